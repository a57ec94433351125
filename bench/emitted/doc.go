// Package emitted holds the decoders that bespoke generate emits for the code books of the benchmarks. A
// generated package has one for every shape of decoder that its books ask for, and books of one shape
// share a function, so the functions here are those of any such package.
package emitted

import (
	"github.com/seed54244801/bespoke/avo"
	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime"
	"github.com/seed54244801/bespoke/runtime/kernel"
)

//go:generate go test -tags purego . -run ^TestAssembly$ -update

// Kernel returns the kernel that would be generated for code books. It is false in builds without
// assembly, and when a book wants a shape that is not here.
func Kernel(books []*codebook.Book) (*runtime.Kernel, bool) {
	k := &runtime.Kernel{Name: "emitted", Books: books}
	for _, b := range books {
		wide, ok := decoder(avx512(), avo.For(b, kernel.Slots))
		narrow, also := decoder(avx2(), avo.For(b, kernel.Bytes))
		if !ok || !also {
			return nil, false
		}
		k.AVX512, k.AVX2 = append(k.AVX512, wide), append(k.AVX2, narrow)
	}
	return k, true
}

func decoder(list []kernel.Decoder, p avo.Program) (kernel.Decoder, bool) {
	for _, d := range list {
		if d.TableBits == p.TableBits && d.MaxSymbols == p.MaxSymbols && d.SlowPath == p.SlowPath && d.Lanes == p.Lanes {
			return d, true
		}
	}
	return kernel.Decoder{}, false
}
