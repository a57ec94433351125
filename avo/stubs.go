package avo

import (
	"fmt"
	"go/format"
	"strings"
)

// Stubs is the Go side of the file that [File] assembles, for a package named pkg: the declarations
// of the functions and a function avx2 that lists them as kernel.Decoder values, in the order of
// the programs. Its first line is "// " and header.
func Stubs(header, pkg string, programs []Program) ([]byte, error) {
	var b strings.Builder
	fmt.Fprintf(&b, `// %s

//go:build amd64 && !purego

package %s

import "github.com/seed54244801/bespoke/runtime/kernel"

// avx2 lists the assembly decoders of this package.
func avx2() []kernel.Decoder {
	return []kernel.Decoder{
`, header, pkg)
	for i := range programs {
		p := &programs[i]
		if err := p.Validate(); err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "{TableBits: %d, MaxSymbols: %d, SlowPath: %t, Lanes: %d, Decode: %s},\n",
			p.TableBits, p.MaxSymbols, p.SlowPath, p.Lanes, p.Name)
	}
	b.WriteString("}\n}\n")
	for _, p := range distinct(programs) {
		fmt.Fprintf(&b, "\n// %s %s\n//\n//go:noescape\nfunc %s(job *kernel.Job)\n", p.Name, p.describe(), p.Name)
	}
	source, err := format.Source([]byte(b.String()))
	if err != nil {
		return nil, fmt.Errorf("avo: stubs: %w", err)
	}
	return source, nil
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
