package emit

import (
	"bytes"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
)

// TestAVX2 checks that every book gets a function cut to its codes, that books alike share one, and
// that both files open with the header.
func TestAVX2(t *testing.T) {
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
	asm, stubs, err := AVX2(p)
	if err != nil {
		t.Fatal(err)
	}
	header, build := "// "+p.Header()+"\n", "\n//go:build amd64 && !purego\n"
	for name, file := range map[string][]byte{"decode_amd64.s": asm, "decode_amd64.go": stubs} {
		if !strings.HasPrefix(string(file), header+build) {
			t.Errorf("%s begins with %.200q", name, file)
		}
	}
	first, second, found := bytes.Cut(asm, []byte("TEXT ·decode11x5Long(SB)"))
	if !found || !bytes.Contains(first, []byte("TEXT ·decode11x5(SB)")) {
		t.Fatal("decode_amd64.s lacks a function")
	}
	if bytes.Contains(first, []byte("slow0_0:")) || !bytes.Contains(second, []byte("slow0_0:")) {
		t.Error("the slow path is not where the long codes are")
	}
	for _, entry := range []string{"SlowPath: false, Lanes: 5, Decode: decode11x5}", "SlowPath: true, Lanes: 5, Decode: decode11x5Long}"} {
		if !bytes.Contains(stubs, []byte(entry)) {
			t.Errorf("decode_amd64.go lacks %q:\n%s", entry, stubs)
		}
	}
	if n := bytes.Count(asm, []byte("TEXT ·")); n != 2 {
		t.Errorf("decode_amd64.s has %d functions, want 2", n)
	}
	p.Books = nil
	if _, _, err := AVX2(p); err == nil {
		t.Error("assembled a plan without code books")
	}
}
