package emit

import (
	"fmt"

	"github.com/seed54244801/bespoke/avo"
)

// Assembly assembles the decoders of the plan's code books: the file decode_amd64.s with a function for
// each shape of decoder, and its Go side decode_amd64.go, whose functions avx512 and avx2 list them in the
// order of the books.
func Assembly(p *Plan) (asm, stubs []byte, err error) {
	if err := p.Validate(); err != nil {
		return nil, nil, err
	}
	var programs []avo.Program
	for _, form := range avo.Forms() {
		for _, b := range p.Books {
			programs = append(programs, avo.For(b, form))
		}
	}
	if asm, err = avo.File(p.Header(), programs); err != nil {
		return nil, nil, fmt.Errorf("emit: %w", err)
	}
	if stubs, err = avo.Stubs(p.Header(), p.Package, programs); err != nil {
		return nil, nil, fmt.Errorf("emit: %w", err)
	}
	return asm, stubs, nil
}
