// Package emitted holds the decoders that bespoke generate emits for the code books of the benchmarks: one for each shape
// that they ask for.
package emitted

import (
	"slices"

	"github.com/seed54244801/bespoke/avo"
	"github.com/seed54244801/bespoke/emit"
	"github.com/seed54244801/bespoke/runtime"
	"github.com/seed54244801/bespoke/runtime/kernel"
)

//go:generate go test -tags purego . -run ^TestAssembly$ -update

// shapes are those of the functions of this package, in their order.
var shapes = []avo.Windows{
	{Name: "decode1", Long: []int{3}, Merges: 6},
	{Name: "decode1Wide", Long: []int{3}, Merges: 6, Wide: true},
	{Name: "decode2", Long: []int{1, 3}, Merges: 6},
	{Name: "decode2Wide", Long: []int{1, 3}, Merges: 6, Wide: true},
}

// Kernel returns the kernel that would be generated for a plan. It is false in builds without
// assembly, and when the plan wants a shape that is not here.
func Kernel(p *emit.Plan) (*runtime.Kernel, bool) {
	k := &runtime.Kernel{ABI: kernel.ABI, Name: "emitted", Books: p.Books}
	want, fits, ok := p.WindowShape()
	if !ok || len(avx512()) == 0 {
		return nil, false
	}
	i := slices.IndexFunc(shapes, func(s avo.Windows) bool {
		return slices.Equal(s.Long, want.Long) && s.Wide == want.Wide && s.Merges == want.Merges
	})
	if i < 0 {
		return nil, false
	}
	for book := range p.Books {
		if fits[book] {
			k.AVX512 = append(k.AVX512, avx512()[i])
		} else {
			k.AVX512 = append(k.AVX512, nil)
		}
	}
	return k, true
}
