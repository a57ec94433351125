package emit

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
)

// twoBooks is a model with a canonical book and one that is not.
func twoBooks(t *testing.T) *Input {
	t.Helper()
	p := small(t)
	odd, err := codebook.NewBook(&[256]codebook.Code{
		0:   {Length: 2, Bits: 0b11},
		118: {Length: 1, Bits: 0b0},
		120: {Length: 3, Bits: 0b101},
	}, codebook.Code{Length: 3, Bits: 0b100})
	if err != nil {
		t.Fatal(err)
	}
	p.Package, p.Model, p.Units = "two", "two books", 3
	p.Books = append(p.Books, odd)
	p.Counts = []codebook.Histogram{p.Histogram, {0: 40, 118: 2000}}
	p.Histogram.Add(&p.Counts[1])
	for i, b := range p.Books {
		size, err := codebook.ExpectedSize(&p.Counts[i], b)
		if err != nil {
			t.Fatal(err)
		}
		p.Expected.Add(&size)
	}
	return p
}

func TestGoGolden(t *testing.T) {
	tests := []struct {
		name   string
		render func() ([]byte, error)
	}{
		{"small.go", func() ([]byte, error) { return Package(smallPlan(t), Embedding{}) }},
		{"small_test.go", func() ([]byte, error) { return Test(smallPlan(t)) }},
		{"small_noasm.go", func() ([]byte, error) { return NoAssembly(smallPlan(t)) }},
		{"two.go", func() ([]byte, error) { return Package(newPlan(t, twoBooks(t)), Embedding{PTX: true, Fatbin: true}) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.render()
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "golang/"+tt.name, got)
			file, err := parser.ParseFile(token.NewFileSet(), tt.name, got, parser.ParseComments|parser.PackageClauseOnly)
			if err != nil {
				t.Fatal(err)
			}
			if !ast.IsGenerated(file) {
				t.Error("tools do not see that the file is generated")
			}
		})
	}
}

func TestGoHeaderIsFirst(t *testing.T) {
	p := smallPlan(t)
	for name, render := range map[string]func() ([]byte, error){
		"package": func() ([]byte, error) { return Package(p, Embedding{}) },
		"test":    func() ([]byte, error) { return Test(p) },
		"noasm":   func() ([]byte, error) { return NoAssembly(p) },
	} {
		got, err := render()
		if err != nil {
			t.Fatal(err)
		}
		if want := "// " + p.Header() + "\n"; !strings.HasPrefix(string(got), want) {
			t.Errorf("%s does not open with %q", name, want)
		}
	}
}

func TestRefuses(t *testing.T) {
	tests := []struct {
		name    string
		change  func(p *Input)
		wantErr string
		late    bool // a plan can be made, but no package
	}{
		{"no package name", func(p *Input) { p.Package = "" }, "not a usable package name", false},
		{"package main", func(p *Input) { p.Package = "main" }, "not a usable package name", false},
		{"no model name", func(p *Input) { p.Model = "" }, "not a usable model name", false},
		{"line break", func(p *Input) { p.Model = "a\nimport \"os\"" }, "not a usable model name", false},
		{"another line break", func(p *Input) { p.Model = "a\u2028b" }, "not a usable model name", false},
		{"escape", func(p *Input) { p.Model = "a\x1b[31m" }, "not a usable model name", false},
		{"control character of two bytes", func(p *Input) { p.Model = "a\u009b31m" }, "not a usable model name", false},
		{"letters from right to left", func(p *Input) { p.Model = "a\u202eb" }, "not a usable model name", false},
		{"not UTF-8", func(p *Input) { p.Model = "a\xffb" }, "not a usable model name", false},
		{"long model name", func(p *Input) { p.Model = strings.Repeat("a", 1025) }, "a model name of 1025 bytes, max 1024", false},
		{"no books", func(p *Input) { p.Books, p.Counts = nil, nil }, "0 code books", false},
		{"too many books", func(p *Input) { p.Books = make([]*codebook.Book, 9) }, "9 code books", false},
		{"no counts", func(p *Input) { p.Counts = nil }, "no counts for each", true},
		{"counts of one", func(p *Input) { p.Counts = p.Counts[:1] }, "counts of 1 code books, want 2", false},
		{"counts of three", func(p *Input) { p.Counts = append(slices.Clone(p.Counts), codebook.Histogram{}) }, "counts of 3 code books, want 2", false},
		{"another sum", func(p *Input) { p.Counts[1][118]++ }, "do not add up", false},
		{"no code", func(p *Input) { p.Counts[1][99]++ }, "counts of code book 1: codebook: symbol 99", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := twoBooks(t)
			tt.change(in)
			p, err := NewPlan(*in)
			if tt.late {
				if err != nil {
					t.Fatal(err)
				}
				_, err = Package(p, Embedding{})
			}
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("error %v, want %q", err, tt.wantErr)
			}
		})
	}
}

func TestGroupImports(t *testing.T) {
	tests := []struct{ name, source, want string }{
		{"mixed", "import (\n\"a.b/c\"\n\"sync\"\n)\n", "import (\n\"sync\"\n\n\"a.b/c\"\n)\n"},
		{"one", "import \"sync\"\n", "import \"sync\"\n"},
		{"none", "package p\n", "package p\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(groupImports([]byte(tt.source))); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
