package templates

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

//go:embed *.cu.tmpl *.cuh
var sources embed.FS

// The device code that the templates call. The files that it includes come before it.
const (
	decodeRoot = "entries.cuh"
	tableRoot  = "matvec.cuh"
	ransRoot   = "matvec_rans.cuh"
)

// functions names the sprig functions that templates may call. The whole map has 194. Some of the others are
// random, and some turn bad input into zeros.
var functions = []string{"join", "repeat", "trimSuffix"}

// Templates are parsed once, so a mistake in one shows in every test of the package.
var (
	decodeTemplate = template.Must(parse("decode.cu.tmpl"))
	tableTemplate  = template.Must(parse("table.cu.tmpl"))
	ransTemplate   = template.Must(parse("rans.cu.tmpl"))
)

func parse(name string) (*template.Template, error) {
	all := sprig.HermeticTxtFuncMap()
	named := template.FuncMap{}
	for _, f := range functions {
		named[f] = all[f]
	}
	return template.New(name).Option("missingkey=error").Funcs(named).ParseFS(sources, name)
}

// Render returns the source of the kernels.
func (d *Decode) Render() ([]byte, error) {
	if err := d.Validate(); err != nil {
		return nil, err
	}
	return render(decodeTemplate, decodeRoot, func(device string) any { return d.data(device) })
}

// Render returns the source of the kernels.
func (t *Table) Render() ([]byte, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	return render(tableTemplate, tableRoot, func(device string) any { return &tableData{t, device} })
}

// render executes a template with the data for the text of the device code. root is the last file of that code.
func render(t *template.Template, root string, data func(device string) any) ([]byte, error) {
	device, err := inline(sources, root)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, data(device)); err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	return out.Bytes(), nil
}

var (
	includeLine = regexp.MustCompile(`(?m)^#include "(.+)"\n`)
	pragmaLine  = regexp.MustCompile(`(?m)^#pragma once\n`)
	blankLines  = regexp.MustCompile(`\n{3,}`)
)

// inline returns the text of the named file below the texts of the files that it includes. Each file comes once.
func inline(files fs.FS, name string) (string, error) {
	var out strings.Builder
	seen := map[string]bool{}
	var add func(name string) error
	add = func(name string) error {
		if seen[name] {
			return nil
		}
		seen[name] = true
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return fmt.Errorf("templates: %w", err)
		}
		for _, m := range includeLine.FindAllSubmatch(text, -1) {
			if err := add(string(m[1])); err != nil {
				return err
			}
		}
		text = includeLine.ReplaceAll(text, nil)
		text = pragmaLine.ReplaceAll(text, nil)
		text = blankLines.ReplaceAll(text, []byte("\n\n"))
		out.WriteByte('\n')
		out.Write(text)
		return nil
	}
	if err := add(name); err != nil {
		return "", err
	}
	return out.String(), nil
}
