package avo

import (
	"fmt"
	"go/format"
	"strings"

	"github.com/seed54244801/bespoke/internal/lookup"
	"github.com/seed54244801/bespoke/internal/strands"
)

// Stubs returns the Go file that belongs to a file of [File], for a package named pkg. It declares the functions.
// Its first line is "// " and header.
//
// If books is not nil, the file also has a function avx512, which lists the decoder of windows of each book. An
// element of books is the name of one of the functions, or "" if the book has none.
func Stubs(header, pkg string, strands []string, windows []Windows, books []string) ([]byte, error) {
	var b strings.Builder
	fmt.Fprintf(&b, `// %s

//go:build amd64 && !purego

package %s

%s`, header, pkg, imports(len(strands) > 0, len(windows) > 0 || books != nil))
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
	for _, name := range strands {
		if err := validateName(name); err != nil {
			return nil, err
		}
		declare(&b, name, describeStrands(), "strands.Job")
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

// imports declares the packages of the jobs of decoders of strands and of windows.
func imports(strands, windows bool) string {
	switch {
	case strands && windows:
		return fmt.Sprintf("import (\n%q\n%q\n)\n", strandsPath, kernelPath)
	case strands:
		return fmt.Sprintf("import %q\n", strandsPath)
	}
	return fmt.Sprintf("import %q\n", kernelPath)
}

// declare writes the declaration of a function. Its comment is the name and what.
func declare(b *strings.Builder, name, what, job string) {
	fmt.Fprintf(b, "\n// %s %s\n//\n//go:noescape\nfunc %s(job *%s)\n", name, what, name, job)
}

// describeStrands says what a decoder of strands does. The text follows its name.
func describeStrands() string {
	return fmt.Sprintf("decodes %d strands side by side: up to %d symbols with a lookup of %d bits.",
		strands.Count, lookup.EntrySymbols, lookup.TableBits)
}
