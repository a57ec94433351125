package gen

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/testenv"
)

// TestGeneratedPackagesBuild writes packages into a module of their own, as a user's would be, and
// has Go vet and test them.
func TestGeneratedPackagesBuild(t *testing.T) {
	models := map[string]*checkpoint.Analysis{
		"onesymbol":  bare(codebook.Histogram{118: 7}),
		"twosymbols": bare(codebook.Histogram{0: 1, 239: 1 << 40}),
		"allsymbols": bare(every(240)),
		"longcodes":  checkpoint.AnalyseUnits("long codes", []checkpoint.AnalysedUnit{longCodes(t)}),
		"manybooks":  compressed(t, testenv.Pick(2, 8)),
		"foulnames":  foul(),
		"rans":       codedRANS(t, "coded", "one", "other"),
	}
	root := t.TempDir()
	for pkg, m := range models {
		r := generate(t, plan(t, m, pkg), Options{})
		if err := Write(filepath.Join(root, pkg), r.Files, false); err != nil {
			t.Fatal(err)
		}
	}
	workspace(t, root)
	if testenv.Long() { // the standard library has to be compiled for two of them
		goTool(t, root, "", "vet", "./...")
		goTool(t, root, "arm64", "vet", "./...")
		goTool(t, root, "", "vet", "-tags=purego", "./...")
	}
	goTool(t, root, "", "test", "./...")
	goTool(t, root, "", "test", "-tags=purego", "./longcodes")
}

// workspace makes root a module that takes this one from where it lies.
func workspace(t *testing.T, root string) {
	t.Helper()
	bespoke, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(bespoke, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go .*$`).Find(mod)
	for name, text := range map[string]string{
		"go.mod":  fmt.Sprintf("module generated\n\n%s\n", version),
		"go.work": fmt.Sprintf("%s\n\nuse (\n\t.\n\t%q\n)\n", version, bespoke),
	} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// goTool runs the go command in root, for another architecture if one is given.
func goTool(t *testing.T, root, arch string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOWORK="+filepath.Join(root, "go.work"), "GOFLAGS=")
	if arch != "" {
		cmd.Env = append(cmd.Env, "GOARCH="+arch)
	}
	out, err := cmd.CombinedOutput()
	t.Logf("%s go %s\n%s", arch, strings.Join(args, " "), out)
	if err != nil {
		t.Error(err)
	}
}

// longCodes is a unit coded as no canonical code would be, with codes longer than any lookup table.
func longCodes(t *testing.T) checkpoint.AnalysedUnit {
	t.Helper()
	u := checkpoint.AnalysedUnit{Name: "long", Histogram: new(codebook.Histogram)}
	var codes [256]codebook.Code
	for k := range 30 {
		u.Histogram[100+k] = 1 << (30 - k)
		codes[100+k] = codebook.Code{Length: uint8(k + 1), Bits: 1}
	}
	book, err := codebook.NewBook(&codes, codebook.Code{Length: 30})
	if err != nil {
		t.Fatal(err)
	}
	u.Book = book
	return u
}
