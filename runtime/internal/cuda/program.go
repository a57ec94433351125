//go:build cuda

package cuda

import (
	_ "embed"
	"fmt"
	"slices"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/gpu"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/runtime/internal/coded"
)

// anyBook holds the kernels for models that come without their own: they are handed the table of a unit's code
// book.
//
//go:embed anybook.ptx
var anyBook string

// A program is what GPUs run for a model.
type program struct {
	name   string      // for people
	images []gpu.Image // the preferred form first
	// What its entries do, nil for what none does: decode by gaps and output_positions, decode by tiles, multiply
	// by tiles.
	windows, tiles, product *launch.Launch
}

// newProgram returns the program of a kernel, or the one for any code book where k is nil. Of the entries that
// do the same it takes the first.
func newProgram(k *Kernel) (*program, error) {
	if k == nil {
		k = &Kernel{Name: "for any code book", PTX: anyBook, Launches: launch.OfAnyBook()}
	}
	p := &program{name: "kernel " + k.Name}
	if k.Fatbin != "" {
		p.images = append(p.images, gpu.Image{Form: "fatbin", Code: k.Fatbin})
	}
	if k.PTX != "" {
		p.images = append(p.images, gpu.Image{Form: "PTX", Code: k.PTX})
	}
	if len(p.images) == 0 {
		return nil, fmt.Errorf("%s was generated without PTX", p.name)
	}
	first := func(tiles, product bool) *launch.Launch {
		i := slices.IndexFunc(k.Launches, func(l launch.Launch) bool {
			// Without an error word nothing would tell of a broken stream.
			return l.Reports && l.Tiles == tiles && l.Product == product
		})
		if i < 0 {
			return nil
		}
		return &k.Launches[i]
	}
	p.windows, p.tiles, p.product = first(false, false), first(true, false), first(true, true)
	if p.windows == nil && p.tiles == nil {
		return nil, fmt.Errorf("%s has no entry that decodes and reports errors", p.name)
	}
	return p, nil
}

// entries lists what the program runs.
func (p *program) entries() []*launch.Launch {
	all := []*launch.Launch{p.tiles, p.windows, p.product}
	return slices.DeleteFunc(all, func(l *launch.Launch) bool { return l == nil })
}

// load loads the program into a device and finds its entries.
func (p *program) load(d *gpu.Device) (*gpu.Module, map[*launch.Launch]*gpu.Kernel, error) {
	module, err := d.Load(p.images)
	if err != nil {
		return nil, nil, err
	}
	kernels := make(map[*launch.Launch]*gpu.Kernel)
	for _, l := range p.entries() {
		if kernels[l], err = module.Kernel(l); err != nil {
			return nil, nil, err
		}
	}
	return module, kernels, nil
}

// entry returns what decodes units with an index, nil for nothing. Where there are both, one pass over tiles is
// faster.
func (p *program) entry(x codebook.Index) *launch.Launch {
	switch {
	case x.HasTiles() && p.tiles != nil:
		return p.tiles
	case x.HasGaps():
		return p.windows
	}
	return nil
}

// lacks says that nothing decodes units with an index.
func (p *program) lacks(x codebook.Index) string {
	return fmt.Sprintf("%s has no entry that decodes by %v", p.name, x)
}

// bookTables are the tables of the code books of a model, by their luts, for entries that take one.
type bookTables map[string][]byte

// of returns the table of the code book of a unit.
func (t bookTables) of(u *coded.Unit) ([]byte, error) {
	luts := u.Stream.Luts
	if table := t[string(luts)]; table != nil {
		return table, nil
	}
	table, err := launch.TableArgument(luts)
	if err != nil {
		return nil, u.Wrap(err)
	}
	t[string(luts)] = table
	return table, nil
}
