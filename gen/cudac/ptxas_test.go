package cudac

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/emit"
)

// assembler returns the assembler of this machine. Without one the test is skipped, or fails when BESPOKE_REQUIRE
// names "ptxas".
func assembler(t *testing.T) *Assembler {
	t.Helper()
	a, err := FindAssembler(t.Context())
	if err != nil {
		missing(t, "ptxas", err)
	}
	return a
}

// TestAssemble assembles kernels, those of the runtime for every architecture, and wants no spills, little static shared
// memory, and at most 48 registers, 64 for decode_native and decode_tiles, with which 1024 threads fill a
// multiprocessor, and 80 for matvec, with which 768 do. As many books as a kernel can have are compiled and assembled for
// some architectures; tools/kernels has few books and every architecture.
func TestAssemble(t *testing.T) {
	maxRegisters := map[string]int{
		"decode": 48, "decode_native": 64, "decode_native_table": 64,
		"decode_tiles": 64, "decode_tiles_table": 64, "matvec": 80, "matvec_table": 80,
		"decode_rans": 64, "decode_rans_joint": 64, "matvec_rans": 64, "matvec_rans_joint": 80, "matvec_rans_join": 40,
	}
	a, c := assembler(t), compiler(t)
	anyBook, err := os.ReadFile(filepath.Join("..", "..", "runtime", "internal", "cuda", "anybook.ptx"))
	if err != nil {
		t.Fatal(err)
	}
	p := plan(t, emit.MaxBooks)
	manyBooks, err := c.PTX(t.Context(), source(t, p))
	if err != nil {
		t.Fatal(err)
	}
	wantTables(t, manyBooks, p)
	ransSource, err := emit.CUDARans()
	if err != nil {
		t.Fatal(err)
	}
	rans, err := c.PTX(t.Context(), ransSource)
	if err != nil {
		t.Fatal(err)
	}
	all := a.Architectures()
	for _, k := range []struct {
		name          string
		ptx           []byte
		architectures []int
	}{
		{"any book", anyBook, all},
		{"rans", rans, all},
		{fmt.Sprintf("%d books", emit.MaxBooks), manyBooks, []int{all[0], 75, 90, all[len(all)-1]}},
	} {
		for _, arch := range k.architectures {
			t.Run(fmt.Sprintf("%s, sm_%d", k.name, arch), func(t *testing.T) {
				t.Parallel()
				_, usage, err := a.Assemble(t.Context(), k.ptx, arch)
				if err != nil {
					t.Fatal(err)
				}
				for _, u := range usage {
					t.Logf("%+v", u)
					if u.Stack+u.Spilled > 0 {
						t.Errorf("%s: %d bytes of stack, %d bytes spilled", u.Kernel, u.Stack, u.Spilled)
					}
					limit := maxRegisters[u.Kernel]
					if arch == 75 { // 64 are enough for all threads that its multiprocessors take
						limit = max(limit, 64)
					}
					if u.Registers > limit {
						t.Errorf("%s: %d registers, want at most %d", u.Kernel, u.Registers, limit)
					}
					maxShared := 0
					if !strings.HasPrefix(u.Kernel, "decode") || strings.HasPrefix(u.Kernel, "decode_tiles") {
						maxShared = 40 << 10 // their table, codes and digits
					}
					if strings.Contains(u.Kernel, "rans") {
						maxShared = 2 << 10 // what is known of splits
					}
					if u.Shared > maxShared {
						t.Errorf("%s: %d bytes of static shared memory, want at most %d", u.Kernel, u.Shared, maxShared)
					}
				}
			})
		}
	}
}

func TestFatbin(t *testing.T) {
	t.Parallel()
	a, c := assembler(t), compiler(t)
	ptx, err := c.PTX(t.Context(), []byte(probe))
	if err != nil {
		t.Fatal(err)
	}
	fatbin, err := a.Fatbin(t.Context(), ptx)
	if err != nil {
		missing(t, "fatbinary", err)
	}
	if magic := []byte{0x50, 0xed, 0x55, 0xba}; !bytes.HasPrefix(fatbin, magic) {
		t.Errorf("fatbin starts with %x, want %x", fatbin[:min(len(fatbin), 8)], magic)
	}
}
