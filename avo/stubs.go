package avo

import (
	"fmt"
	"go/format"
	"strings"
)

// Stubs is the Go side of the file that [File] assembles, for a package named pkg: the declarations of the functions. Its
// first line is "// " and header. Where books is not nil it declares a function avx512, too, which lists the decoder
// of windows of each book: the name of one of the functions, or "" for none.
func Stubs(header, pkg string, lanes []Lanes, windows []Windows, books []string) ([]byte, error) {
	var b strings.Builder
	fmt.Fprintf(&b, `// %s

//go:build amd64 && !purego

package %s

%s`, header, pkg, imports(len(lanes) > 0, len(windows) > 0 || books != nil))
	if books != nil {
		b.WriteString("\n// avx512 lists the decoders for CPUs with AVX-512, nil for a code book that cannot be decoded by windows.\n")
		b.WriteString("func avx512() []kernel.WindowDecoder {\nreturn []kernel.WindowDecoder{\n")
		for _, name := range books {
			if name == "" {
				name = "nil"
			}
			b.WriteString(name + ",\n")
		}
		b.WriteString("}\n}\n")
	}
	for _, l := range lanes {
		if err := l.Validate(); err != nil {
			return nil, err
		}
		declare(&b, l.Name, l.describe(), "lanes.Job")
	}
	for _, w := range windows {
		if err := w.Validate(); err != nil {
			return nil, err
		}
		declare(&b, w.Name, w.describe(), "kernel.WindowJob")
	}
	source, err := format.Source([]byte(b.String()))
	if err != nil {
		return nil, fmt.Errorf("avo: stubs: %w", err)
	}
	return source, nil
}

// imports declares the packages of what decoders of lanes and of windows are handed.
func imports(lanes, windows bool) string {
	switch {
	case lanes && windows:
		return fmt.Sprintf("import (\n%q\n%q\n)\n", lanesPath, kernelPath)
	case lanes:
		return fmt.Sprintf("import %q\n", lanesPath)
	}
	return fmt.Sprintf("import %q\n", kernelPath)
}

// declare writes the declaration of a function.
func declare(b *strings.Builder, name, what, job string) {
	fmt.Fprintf(b, "\n// %s %s\n//\n//go:noescape\nfunc %s(job *%s)\n", name, what, name, job)
}

// describe says what the decoder does, to follow its name.
func (p *Lanes) describe() string {
	return fmt.Sprintf("decodes %d runs of codes of any length side by side: up to %d symbols a lookup of %d bits.",
		p.Lanes, p.MaxSymbols, p.TableBits)
}
