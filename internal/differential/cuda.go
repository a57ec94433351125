package differential

import (
	"fmt"
	"slices"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/emit"
	"github.com/seed54244801/bespoke/internal/cuda/host"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
)

// An entry is a kernel that decodes, and the index that it reads.
type entry struct {
	name  string
	entry host.Entry
	tiles bool
	table bool // it is handed the table of the book
}

var entries = []entry{
	{"decode", host.Decode, false, false},
	{"decode_native", host.Native, false, false},
	{"decode_tiles", host.Tiles, true, false},
	{"decode_native_table", host.NativeTable, false, true},
	{"decode_tiles_table", host.TilesTable, true, true},
}

// poison is the word that a kernel writes where it finds a fault. It is NaN, and no coded weight is.
const poison = 0x7fff

// kernels decodes mutations with the CUDA source on the CPU: with the source cut for the subject's book, if there
// is one, and with the source for any book.
func (d *comparison) kernels(s *subject, index codebook.Index, all []mutation) error {
	for _, e := range entries {
		if e.tiles && !index.HasTiles() || !e.tiles && !index.HasGaps() || s.kernel == nil && !e.table {
			continue
		}
		k, err := d.kernel(s, e.table)
		if err != nil {
			return err
		}
		name := "cuda " + e.name
		if !e.table {
			name += " of " + s.kernel.Name
		}
		for i := range all {
			if d.ctx.Err() != nil {
				return d.ctx.Err()
			}
			if err := d.launch(name, k, &e, s, index, &all[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// kernel returns the compiled source of the subject's kernel, or that for any book.
func (d *comparison) kernel(s *subject, table bool) (*host.Kernel, error) {
	name := "any"
	if !table {
		name = s.kernel.Name
	}
	if k := d.cuda[name]; k != nil {
		return k, nil
	}
	var source []byte
	var err error
	if table {
		source, err = emit.CUDATable()
	} else {
		source = []byte(s.kernel.CUDA)
	}
	if err != nil {
		return nil, err
	}
	k, err := host.New(source)
	if err != nil {
		return nil, err
	}
	d.cuda[name] = k
	return k, nil
}

// launch decodes a mutation with a kernel. A kernel reads only one index. It may find fault with a stream if the
// reference does so by that index, or if the index does not belong to the weights. The runtime then decodes the
// unit again on the CPU.
func (d *comparison) launch(name string, k *host.Kernel, e *entry, s *subject, index codebook.Index, m *mutation) error {
	stream := *m.stream
	book, err := codebook.ParseLuts(stream.Luts)
	if err != nil || stream.Validate() != nil {
		return nil // no kernel is launched in this case
	}
	stream.Luts = book.Luts() // as the runtime hands them on
	if e.tiles {
		stream.Gaps, stream.OutputPositions = nil, nil
	} else {
		stream.Tiles = nil
	}
	o := refer(&stream)
	l := host.Launch{Stream: &stream, Entry: e.entry, Seed: d.random.Uint64() >> 1, SharedBytes: 48 << 10}
	if e.table {
		if l.Table, err = launch.TableArgument(stream.Luts); err != nil {
			return err
		}
	}
	got, err := k.Launch(l)
	found := k.ErrorWord() != 0 || e.entry == host.Decode && slices.Contains(got, poison)
	difference := ""
	switch {
	case err != nil:
		difference = err.Error()
	case !found:
		difference = o.differs(nil, 0, len(got), got, nil)
	case o.sound() && codebook.Audit(&stream) == nil:
		difference = fmt.Sprintf("error word %#x for a sound stream", k.ErrorWord())
	}
	row := d.count(name, index, s, m, o, difference)
	if difference == "" && found && o.sound() {
		row.Left++
	}
	return nil
}

// stop ends the processes of kernels.
func (d *comparison) stop() {
	for _, k := range d.cuda {
		k.Close()
	}
}
