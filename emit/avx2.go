package emit

import (
	"fmt"

	"github.com/seed54244801/bespoke/avo"
)

// AVX2 assembles the decoders of the plan's code books: the file decode_amd64.s with a function for
// each shape of decoder, and its Go side decode_amd64.go, whose function avx2 lists them in the order
// of the books.
func AVX2(p *Plan) (asm, stubs []byte, err error) {
	if err := p.Validate(); err != nil {
		return nil, nil, err
	}
	programs := make([]avo.Program, len(p.Books))
	for i, b := range p.Books {
		programs[i] = avo.For(b)
	}
	if asm, err = avo.File(p.Header(), programs); err != nil {
		return nil, nil, fmt.Errorf("emit: %w", err)
	}
	if stubs, err = avo.Stubs(p.Header(), p.Package, programs); err != nil {
		return nil, nil, fmt.Errorf("emit: %w", err)
	}
	return asm, stubs, nil
}
