package emit

import (
	"fmt"

	"github.com/seed54244801/bespoke/avo"
)

// Assembly assembles the decoder of windows for the plan's code books: the file decode_amd64.s, and its Go side
// decode_amd64.go, whose function avx512 lists the decoder of each book. Both are nil where no book can be decoded by
// windows.
func Assembly(p *Plan) (asm, stubs []byte, err error) {
	shape, fits, ok := p.WindowShape()
	if !ok {
		return nil, nil, nil
	}
	windows := []avo.Windows{shape}
	books := make([]string, len(p.Books))
	for i := range books {
		if fits[i] {
			books[i] = shape.Name
		}
	}
	if asm, err = avo.File(p.Header(), nil, windows); err != nil {
		return nil, nil, fmt.Errorf("emit: %w", err)
	}
	if stubs, err = avo.Stubs(p.Header(), p.Package, nil, windows, books); err != nil {
		return nil, nil, fmt.Errorf("emit: %w", err)
	}
	return asm, stubs, nil
}
