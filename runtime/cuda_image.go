//go:build cuda

package runtime

import (
	_ "embed"
	"fmt"

	"github.com/seed54244801/bespoke/internal/gpu"
)

// anyBook is a kernel for models that come without one: every code book is strange to it, and it
// decodes through the luts of the unit.
//
//go:embed anybook.ptx
var anyBook string

// images lists what a device may load for a kernel, the preferred form first.
func images(k *Kernel) ([]gpu.Image, error) {
	if k == nil {
		return []gpu.Image{{Form: "PTX", Code: anyBook}}, nil
	}
	var all []gpu.Image
	if k.Fatbin != "" {
		all = append(all, gpu.Image{Form: "fatbin", Code: k.Fatbin})
	}
	if k.PTX != "" {
		all = append(all, gpu.Image{Form: "PTX", Code: k.PTX})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("kernel %s was generated without PTX", k.Name)
	}
	return all, nil
}
