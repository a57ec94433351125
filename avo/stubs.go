package avo

import (
	"fmt"
	"go/format"
	"strings"

	"github.com/seed54244801/bespoke/runtime/kernel"
)

// Stubs is the Go side of the file that [File] assembles, for a package named pkg: the declarations
// of the functions and, for each form, a function that lists those of it as kernel.Decoder values, in
// the order of the programs. Its first line is "// " and header.
func Stubs(header, pkg string, programs []Program) ([]byte, error) {
	var b strings.Builder
	fmt.Fprintf(&b, `// %s

//go:build amd64 && !purego

package %s

import "github.com/seed54244801/bespoke/runtime/kernel"
`, header, pkg)
	for _, p := range programs {
		if err := p.Validate(); err != nil {
			return nil, err
		}
	}
	list(&b, "avx512", "AVX-512", kernel.Slots, programs)
	list(&b, "avx2", "AVX2", kernel.Bytes, programs)
	for _, p := range distinct(programs) {
		fmt.Fprintf(&b, "\n// %s %s\n//\n//go:noescape\nfunc %s(job *kernel.Job)\n", p.Name, p.describe(), p.Name)
	}
	source, err := format.Source([]byte(b.String()))
	if err != nil {
		return nil, fmt.Errorf("avo: stubs: %w", err)
	}
	return source, nil
}

// list writes a function that lists the programs of a form.
func list(b *strings.Builder, name, features string, form kernel.Form, programs []Program) {
	fmt.Fprintf(b, "\n// %s lists the assembly decoders of this package for CPUs with %s.\n", name, features)
	fmt.Fprintf(b, "func %s() []kernel.Decoder {\nreturn []kernel.Decoder{\n", name)
	for _, p := range programs {
		if p.Form == form {
			fmt.Fprintf(b, "{Form: kernel.%s, TableBits: %d, MaxSymbols: %d, SlowPath: %t, Lanes: %d, Decode: %s},\n",
				[...]string{kernel.Bytes: "Bytes", kernel.Slots: "Slots"}[form],
				p.TableBits, p.MaxSymbols, p.SlowPath, p.Lanes, p.Name)
		}
	}
	b.WriteString("}\n}\n")
}

// describe says what the program does, to follow its name.
func (p *Program) describe() string {
	codes := fmt.Sprintf("codes of at most %d bits", p.TableBits)
	if p.SlowPath {
		codes = "codes of any length"
	}
	return fmt.Sprintf("decodes %d runs of %s side by side: up to %d symbols a lookup of %d bits.",
		p.Lanes, codes, p.MaxSymbols, p.TableBits)
}
