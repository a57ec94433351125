//go:build cuda

package cuda

import (
	_ "embed"
	"fmt"
	"slices"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/gpu"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/rans"
	"github.com/seed54244801/bespoke/runtime/internal/coded"
)

// anyBook has the kernels for models without kernels of their own. They take the table of a unit's code book as an
// argument.
//
//go:embed anybook.ptx
var anyBook string

// ransKernels has the kernels for units coded with rANS, of any model.
//
//go:embed rans.ptx
var ransKernels string

// A program is the kernels that GPUs run for a model.
type program struct {
	name   string      // for messages
	images []gpu.Image // the preferred form first
	about  string      // what the kernels are for, for messages; "" for those of a generated package
	// The entries that decode by gaps and output_positions, decode by tiles, and multiply by tiles. Each is nil if
	// the program has no such entry.
	windows, tiles, product *launch.Launch
	// The entries for rANS, if the program is for that.
	rans []launch.Launch
}

// programOf returns the program for units, which are all of one codec.
func programOf(k *Kernel, units []*coded.Unit) (*program, error) {
	if len(units) > 0 && units[0].RANS != nil {
		return ransProgram(k)
	}
	return newProgram(k)
}

// ransProgram returns the program of a kernel for units coded with rANS. If k is nil, it is the program for any of them.
func ransProgram(k *Kernel) (*program, error) {
	about := ""
	if k == nil {
		about = "for rANS"
		k = &Kernel{Name: about, PTX: ransKernels, Launches: launch.OfRans()}
	}
	p := &program{name: "kernel " + k.Name, about: about, rans: launch.RansOf(k.Launches)}
	return p, p.addImages(k)
}

// addImages adds the compiled forms of a kernel.
func (p *program) addImages(k *Kernel) error {
	if k.Fatbin != "" {
		p.images = append(p.images, gpu.Image{Form: "fatbin", Code: k.Fatbin})
	}
	if k.PTX != "" {
		p.images = append(p.images, gpu.Image{Form: "PTX", Code: k.PTX})
	}
	if len(p.images) == 0 {
		return fmt.Errorf("%s was generated without PTX", p.name)
	}
	return nil
}

// newProgram returns the program of a kernel. If k is nil, it is the program for any code book. If several entries
// do the same, it takes the first one.
func newProgram(k *Kernel) (*program, error) {
	about := ""
	if k == nil {
		about = "for any code book"
		k = &Kernel{Name: about, PTX: anyBook, Launches: launch.OfAnyBook()}
	}
	p := &program{name: "kernel " + k.Name, about: about}
	if err := p.addImages(k); err != nil {
		return nil, err
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
	for i := range p.rans {
		all = append(all, &p.rans[i])
	}
	return slices.DeleteFunc(all, func(l *launch.Launch) bool { return l == nil })
}

// load loads the program into a device and finds its entries.
func (p *program) load(d *gpu.Device) (*gpu.Module, gpu.Kernels, error) {
	module, err := d.Load(p.images)
	if err != nil {
		return nil, nil, err
	}
	kernels := make(gpu.Kernels)
	for _, l := range p.entries() {
		if kernels[l.Entry], err = module.Kernel(l); err != nil {
			return nil, nil, err
		}
	}
	return module, kernels, nil
}

// entry returns the entry that decodes units of DF11 with an index, or nil. If the unit has both indices, it is the
// one for tiles, which is faster.
func (p *program) entry(x codebook.Index) *launch.Launch {
	switch {
	case x.HasTiles() && p.tiles != nil:
		return p.tiles
	case x.HasGaps():
		return p.windows
	}
	return nil
}

// layout lays out a unit of the model, given its number. It is nil if no entry decodes the unit.
func (p *program) layout(u *coded.Unit, number int, tables bookTables) (gpu.Unit, error) {
	if u.RANS != nil {
		if tooLarge(u) || p.missing(u) != "" {
			return nil, nil
		}
		return ransLayout(u), nil
	}
	entry := p.entry(u.Stream.Index())
	if entry == nil {
		return nil, nil
	}
	var table []byte
	if entry.Table && u.BookErr == nil {
		var err error
		if table, err = tables.of(u); err != nil {
			return nil, err
		}
	}
	l := gpu.NewLayout(u.Name, number, &u.Stream, entry, table)
	l.Multiplies = p.product
	return l, nil
}

// ransLayout lays out a unit coded with rANS.
func ransLayout(u *coded.Unit) gpu.Unit {
	var tensors []gpu.RansTensor
	for i, s := range u.RANS {
		tensors = append(tensors, gpu.RansTensor{Name: u.Tensors[i].Name, From: u.Tensors[i].From, Stream: s})
	}
	return gpu.NewRansLayout(u.Name, tensors, launch.RansSplitSteps(u.Elements()))
}

// tooLarge reports whether a unit coded with rANS has a tensor that is too large for GPUs.
func tooLarge(u *coded.Unit) bool {
	return slices.ContainsFunc(u.RANS, func(s *rans.Stream) bool { return !s.Splittable() })
}

// missing returns the name of a kernel that a unit coded with rANS needs and the program lacks, or "".
func (p *program) missing(u *coded.Unit) string {
	for _, s := range u.RANS {
		for _, entry := range launch.RansEntriesOf(s.Form) {
			if !slices.ContainsFunc(p.rans, func(l launch.Launch) bool { return l.Entry == entry }) {
				return entry
			}
		}
	}
	return ""
}

// lacks is the message that no entry decodes a unit.
func (p *program) lacks(u *coded.Unit) string {
	switch {
	case u.RANS == nil:
		return fmt.Sprintf("%s has no entry that decodes by %v", p.name, u.Stream.Index())
	case tooLarge(u):
		return p.name + " takes no tensors with more than 4 GiB of words"
	default:
		return fmt.Sprintf("%s has no entry %s", p.name, p.missing(u))
	}
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
