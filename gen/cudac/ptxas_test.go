package cudac

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/seed54244801/bespoke/emit"
	"github.com/seed54244801/bespoke/internal/cudahost"
)

// assembler returns the assembler of this machine. Without one the test is skipped, or fails when BESPOKE_REQUIRE
// names "ptxas".
func assembler(t *testing.T) *Assembler {
	t.Helper()
	a, err := FindAssembler(t.Context())
	if err != nil {
		if cudahost.Required("ptxas") {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return a
}

// TestAssemble assembles kernels for every architecture and wants no spills, next to no static shared memory, and at
// most 48 registers: 64 for decode_native, with which 1024 threads fill a multiprocessor.
func TestAssemble(t *testing.T) {
	const maxShared = 256
	maxRegisters := map[string]int{"decode": 48, "decode_native": 64, "decode_native_table": 64}
	a, c := assembler(t), compiler(t)
	anyBook, err := emit.CUDATable()
	if err != nil {
		t.Fatal(err)
	}
	for name, cu := range map[string][]byte{"1 book": source(t, 1), "8 books": source(t, 8), "any book": anyBook} {
		ptx, err := c.PTX(t.Context(), cu)
		if err != nil {
			t.Fatal(err)
		}
		for _, arch := range a.Architectures() {
			t.Run(fmt.Sprintf("%s, sm_%d", name, arch), func(t *testing.T) {
				_, usage, err := a.Assemble(t.Context(), ptx, arch)
				if err != nil {
					t.Fatal(err)
				}
				for _, u := range usage {
					t.Logf("%+v", u)
					if u.Stack+u.Spilled > 0 {
						t.Errorf("%s: %d bytes of stack, %d bytes spilled", u.Kernel, u.Stack, u.Spilled)
					}
					if limit := maxRegisters[u.Kernel]; u.Registers > limit {
						t.Errorf("%s: %d registers, want at most %d", u.Kernel, u.Registers, limit)
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
	a, c := assembler(t), compiler(t)
	ptx, err := c.PTX(t.Context(), source(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	fatbin, err := a.Fatbin(t.Context(), ptx)
	if err != nil {
		t.Skip(err) // the assembler comes without fatbinary in some packages
	}
	if magic := []byte{0x50, 0xed, 0x55, 0xba}; !bytes.HasPrefix(fatbin, magic) {
		t.Errorf("fatbin starts with %x, want %x", fatbin[:min(len(fatbin), 8)], magic)
	}
}
