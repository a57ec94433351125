//go:build cuda

package runtime

import (
	_ "embed"
	"fmt"
	"slices"

	"github.com/seed54244801/bespoke/internal/gpu"
	"github.com/seed54244801/bespoke/runtime/kernel"
)

// anyBook is the kernel for models that come without one: it is handed the table of a unit's code
// book.
//
//go:embed anybook.ptx
var anyBook string

// anyBookLaunches are its entries.
var anyBookLaunches = []kernel.CUDALaunch{
	{Entry: "decode_native_table", Threads: 256, TableBits: kernel.CUDATableBits, Reports: true, Table: true},
}

// images lists what a device may load for a kernel, the preferred form first.
func images(k *Kernel) ([]gpu.Image, error) {
	if k == nil {
		return []gpu.Image{{Form: "PTX", Code: anyBook, Launches: anyBookLaunches}}, nil
	}
	// Without an error word nothing would tell of a broken stream.
	launches := slices.DeleteFunc(slices.Clone(k.Launches), func(l kernel.CUDALaunch) bool { return !l.Reports })
	var all []gpu.Image
	if k.Fatbin != "" {
		all = append(all, gpu.Image{Form: "fatbin", Code: k.Fatbin, Launches: launches})
	}
	if k.PTX != "" {
		all = append(all, gpu.Image{Form: "PTX", Code: k.PTX, Launches: launches})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("kernel %s was generated without PTX", k.Name)
	}
	return all, nil
}

// bookTables are the tables of the code books of a model, by their luts, for the kernel anyBook.
type bookTables map[string][]byte

// of returns the table of the code book of a unit.
func (t bookTables) of(u *unit) ([]byte, error) {
	luts := u.stream.Luts
	if table := t[string(luts)]; table != nil {
		return table, nil
	}
	table, err := kernel.CUDATableArgument(luts)
	if err != nil {
		return nil, u.wrap(err)
	}
	t[string(luts)] = table
	return table, nil
}
