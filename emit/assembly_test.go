package emit

import (
	"bytes"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
)

// TestAssembly checks that every book gets a function of each form cut to its codes, that books alike
// share one, and that both files open with the header.
func TestAssembly(t *testing.T) {
	var short, long [256]uint8
	copy(short[120:], []uint8{1, 2, 3, 4, 5})
	copy(long[120:], []uint8{1, 2, 3, 4, 20})
	p := &Plan{Package: "kernels", Model: "test model"}
	for _, lengths := range []*[256]uint8{&short, &long, &short} {
		b, err := codebook.NewCanonical(lengths, 0)
		if err != nil {
			t.Fatal(err)
		}
		p.Books = append(p.Books, b)
	}
	asm, stubs, err := Assembly(p)
	if err != nil {
		t.Fatal(err)
	}
	header, build := "// "+p.Header()+"\n", "\n//go:build amd64 && !purego\n"
	for name, file := range map[string][]byte{"decode_amd64.s": asm, "decode_amd64.go": stubs} {
		if !strings.HasPrefix(string(file), header+build) {
			t.Errorf("%s begins with %.200q", name, file)
		}
	}
	functions := strings.Split(string(asm), "TEXT ·")[1:]
	if len(functions) != 4 {
		t.Fatalf("decode_amd64.s has %d functions, want 4", len(functions))
	}
	for _, f := range functions {
		name, _, _ := strings.Cut(f, "(")
		if strings.Contains(f, "\nslow") != strings.Contains(name, "Long") {
			t.Errorf("%s: the slow path is not where the long codes are", name)
		}
	}
	for _, entry := range []string{
		"SlowPath: false, Lanes: 5, Decode: decode11x5}", "SlowPath: true, Lanes: 5, Decode: decode11x5Long}",
		"SlowPath: false, Lanes: 8, Decode: decode11x5Slots}", "SlowPath: true, Lanes: 8, Decode: decode11x5LongSlots}",
	} {
		if !bytes.Contains(stubs, []byte(entry)) {
			t.Errorf("decode_amd64.go lacks %q:\n%s", entry, stubs)
		}
	}
	p.Books = nil
	if _, _, err := Assembly(p); err == nil {
		t.Error("assembled a plan without code books")
	}
}
