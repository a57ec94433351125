package gen

import (
	"bytes"
	"cmp"
	"fmt"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/emit"
	"github.com/seed54244801/bespoke/model"
)

// A Package is what the files of a generated package are made from: a plan, and the analysis of its model.
type Package struct {
	// Plan is the plan for code books, nil for a model that is coded with rANS.
	*emit.Plan
	// Rans is the plan for such a model, and otherwise nil.
	Rans *emit.RansPlan
	// Source is the analysis of the model.
	Source *checkpoint.Analysis
	// Book[i] is the index in Books of the code book of Source.Units[i]. It is nil for a model that is coded with rANS.
	Book []int
}

// PackageOptions are the options of [NewPackage]. The zero value is useful.
type PackageOptions struct {
	// Model names the model in the generated files, as the analysis does by default.
	Model string
	// Incomplete permits a compressed checkpoint from which something seems to be missing.
	Incomplete bool
}

// NewPackage plans the package for a model. name is the name of the package, see [PackageName]. The decoders are
// cut for the code books of the analysis; for a model that is coded with rANS, they have its tables. If something seems to be missing, the error is a [*model.MissingError].
func NewPackage(a *checkpoint.Analysis, name string, opts PackageOptions) (*Package, error) {
	if len(a.Missing) > 0 && !opts.Incomplete {
		return nil, &model.MissingError{Path: a.Path, List: a.Missing}
	}
	named := cmp.Or(opts.Model, a.Model)
	if len(a.Units) == 0 {
		return nil, fmt.Errorf("gen: %s has no unit with a code", named)
	}
	p := &Package{Source: a}
	if err := p.plan(name, named); err != nil {
		return nil, fmt.Errorf("gen: %s: %w", named, err)
	}
	return p, nil
}

// plan plans the package of a name for a model of a name.
func (p *Package) plan(name, named string) (err error) {
	if p.Source.Kind == checkpoint.KindRANS {
		in := emit.RansInput{Package: name, Model: named, Units: len(p.Source.Units), Bytes: p.Source.Stored.Total()}
		p.addTensors(&in)
		p.Rans, err = emit.NewRansPlan(in)
		return err
	}
	in := emit.Input{Package: name, Model: named}
	if err := p.addUnits(&in); err != nil {
		return err
	}
	p.Plan, err = emit.NewPlan(in)
	return err
}

// addTensors adds the tensors of the model, which are coded with rANS.
func (p *Package) addTensors(in *emit.RansInput) {
	for i := range p.Source.Units {
		u := &p.Source.Units[i]
		in.Histogram.Add(u.Histogram)
		for k, t := range u.RANS {
			in.Tensors = append(in.Tensors, emit.RansTensor{Name: u.Tensors[k], Form: t.Form, Table: t.Table})
		}
	}
}

// addUnits checks the units of the model and adds them up.
func (p *Package) addUnits(in *emit.Input) error {
	for i := range p.Source.Units {
		u := &p.Source.Units[i]
		if err := u.Histogram.Expressible(); err != nil {
			return fmt.Errorf("%s: %w", p.label(u), err)
		}
		if u.Weights() == 0 {
			return fmt.Errorf("%s has no weights", p.label(u))
		}
		in.Histogram.Add(u.Histogram)
		if err := in.Histogram.Expressible(); err != nil {
			return fmt.Errorf("up to %s: %w", p.label(u), err)
		}
		in.Expected.Add(&u.Size)
	}
	if err := p.Source.NoBooks; err != nil {
		return err
	}
	if !p.Source.Bare {
		in.Units = len(p.Source.Units)
	}
	in.Books = sortedBooks(p.Source.Units)
	if len(in.Books) > emit.MaxBooks {
		return fmt.Errorf("%d different code books, a kernel is cut for at most %d: the table-driven decoders read this checkpoint without one; "+
			"for a kernel, compress the model with --codebook model", len(in.Books), emit.MaxBooks)
	}
	in.Counts = make([]codebook.Histogram, len(in.Books))
	for i := range p.Source.Units {
		u := &p.Source.Units[i]
		k := slices.Index(in.Books, u.Book)
		in.Counts[k].Add(u.Histogram)
		p.Book = append(p.Book, k)
	}
	return nil
}

// sortedBooks returns the books of units, each once. The book that codes the most weights is first, so that the order
// does not depend on that of the units.
func sortedBooks(units []checkpoint.AnalysedUnit) []*codebook.Book {
	weights := map[*codebook.Book]uint64{}
	for i := range units {
		weights[units[i].Book] += units[i].Weights()
	}
	return slices.SortedFunc(maps.Keys(weights), func(a, b *codebook.Book) int {
		fa, fb := a.Fingerprint(), b.Fingerprint()
		return cmp.Or(cmp.Compare(weights[b], weights[a]), bytes.Compare(fa[:], fb[:]))
	})
}

// label names a unit in messages.
func (p *Package) label(u *checkpoint.AnalysedUnit) string {
	if p.Source.Bare {
		return "the histogram"
	}
	return fmt.Sprintf("unit %q", u.Name)
}

// PackageName derives the name of the Go package from the folder to which it is written. The name is the last
// element of dir in lower case, without '-', '_', '.' and spaces.
//
// It refuses names that do not make a package: those with other characters than letters a to z and digits, with a
// leading digit, keywords, and main.
func PackageName(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("gen: %w", err)
	}
	base := filepath.Base(abs)
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune("-_. ", r) {
			return -1
		}
		return r
	}, strings.ToLower(base))
	if err := checkPackageName(name); err != nil {
		return "", fmt.Errorf("gen: folder %q gives no package name: %w; choose another name for the folder", base, err)
	}
	return name, nil
}

// checkPackageName permits only ASCII, because a package's name is also a file name, and file systems encode other
// letters differently.
func checkPackageName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("nothing is left of it")
	case name[0] >= '0' && name[0] <= '9':
		return fmt.Errorf("%q starts with a digit", name)
	case name == "main":
		return fmt.Errorf("a package main cannot be imported")
	case token.IsKeyword(name):
		return fmt.Errorf("%q is a Go keyword", name)
	}
	for _, r := range name {
		if !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9') {
			return fmt.Errorf("%q holds %q, want letters a to z and digits", name, r)
		}
	}
	return nil
}
