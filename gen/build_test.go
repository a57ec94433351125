package gen

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
)

// TestGeneratedPackagesBuild writes packages into this module and has Go vet and test them. They
// lie below testdata, which the pattern ./... passes over.
func TestGeneratedPackagesBuild(t *testing.T) {
	models := map[string]*Model{
		"onesymbol":  bare(codebook.Histogram{118: 7}),
		"twosymbols": bare(codebook.Histogram{0: 1, 239: 1 << 40}),
		"allsymbols": bare(every(240)),
		"longcodes":  {Name: "long codes", Units: []Unit{longCodes(t)}},
		"eightbooks": compressed(t, 8),
	}
	root, err := os.MkdirTemp("testdata", "build-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(root); err != nil {
			t.Error(err)
		}
	})
	for pkg, m := range models {
		r := generate(t, plan(t, m, pkg), Options{})
		if err := Write(filepath.Join(root, pkg), r.Files, false); err != nil {
			t.Fatal(err)
		}
	}
	packages := "./" + filepath.ToSlash(root) + "/..."
	goTool(t, nil, "vet", packages)
	goTool(t, []string{"GOOS=linux", "GOARCH=arm64"}, "vet", packages)
	goTool(t, nil, "vet", "-tags=purego", packages)
	goTool(t, nil, "test", packages)
	goTool(t, nil, "test", "-tags=purego", "./"+filepath.ToSlash(root)+"/longcodes")
}

// goTool runs the go command.
func goTool(t *testing.T, env []string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s go %s: %v\n%s", strings.Join(env, " "), strings.Join(args, " "), err, out)
	}
}

// longCodes is a unit coded as no canonical code would be, with codes longer than any lookup table.
func longCodes(t *testing.T) Unit {
	t.Helper()
	var u Unit
	var codes [256]codebook.Code
	for k := range 30 {
		u.Histogram[100+k] = 1 << (30 - k)
		codes[100+k] = codebook.Code{Length: uint8(k + 1), Bits: 1}
	}
	book, err := codebook.NewBook(&codes, codebook.Code{Length: 30})
	if err != nil {
		t.Fatal(err)
	}
	u.Name, u.Book = "long", book
	return u
}
