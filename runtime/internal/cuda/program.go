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

// anyBook has the kernels for models without kernels of their own. They take the table of a unit's code book as an
// argument.
//
//go:embed anybook.ptx
var anyBook string

// A program is the kernels that GPUs run for a model.
type program struct {
	name   string      // for messages
	images []gpu.Image // the preferred form first
	// The entries that decode by gaps and output_positions, decode by tiles, and multiply by tiles. Each is nil if
	// the program has no such entry.
	windows, tiles, product *launch.Launch
}

// newProgram returns the program of a kernel. If k is nil, it is the program for any code book. If several entries
// do the same, it takes the first one.
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
			// Without an error word, a broken stream would not be noticed.
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

// entries lists the entries of the program.
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

// entry returns the entry that decodes units with an index, or nil. If the unit has both indices, it is the one for
// tiles, which is faster.
func (p *program) entry(x codebook.Index) *launch.Launch {
	switch {
	case x.HasTiles() && p.tiles != nil:
		return p.tiles
	case x.HasGaps():
		return p.windows
	}
	return nil
}

// lacks is the message that no entry decodes units with an index.
func (p *program) lacks(x codebook.Index) string {
	return fmt.Sprintf("%s has no entry that decodes by %v", p.name, x)
}

// bookTables are the tables of the code books of a model, by their luts. They are for entries that take a table.
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
