package gen

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// outFolder holds the committed packages and, in its doc.go, the lines that generate them.
const outFolder = "../out"

// TestOutIsFresh generates every package of outFolder twice, in memory, and compares it with the
// committed files.
func TestOutIsFresh(t *testing.T) {
	lines := generateLines(t)
	entries, err := os.ReadDir(outFolder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, ok := lines[e.Name()]; e.IsDir() && !ok {
			t.Errorf("no line generates %s", e.Name())
		}
	}
	for dir, line := range lines {
		t.Run(dir, func(t *testing.T) {
			committed, err := ReadFolder(filepath.Join(outFolder, dir))
			if err != nil {
				t.Fatal(err)
			}
			first, second := regenerate(t, line, committed), regenerate(t, line, committed)
			if diff := differences(first, second); diff != nil {
				t.Errorf("two runs differ:\n%s", strings.Join(diff, "\n"))
			}
			if diff := differences(committed, first); diff != nil {
				t.Errorf("the files are stale, `make generate` writes them again:\n%s", strings.Join(diff, "\n"))
			}
		})
	}
}

// A generateLine is a command line of bespoke generate.
type generateLine struct{ path, name, dir string }

// generateLines reads the go:generate lines of outFolder, by the folder that they write.
func generateLines(t *testing.T) map[string]generateLine {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(outFolder, "doc.go"))
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]generateLine{}
	for line := range strings.Lines(string(text)) {
		args, ok := strings.CutPrefix(strings.TrimSpace(line), "//go:generate go run ../cmd/bespoke generate ")
		if !ok {
			continue
		}
		var l generateLine
		fields := strings.Fields(args)
		for i := 0; i < len(fields); i++ {
			switch {
			case fields[i] == "-o" && i+1 < len(fields):
				i++
				l.dir = fields[i]
			case fields[i] == "--name" && i+1 < len(fields):
				i++
				l.name = fields[i]
			case l.path == "":
				l.path = filepath.Join(outFolder, fields[i])
			default:
				t.Fatalf("%s: the test does not know %q", line, fields[i])
			}
		}
		lines[l.dir] = l
	}
	if len(lines) == 0 {
		t.Fatal("no line generates anything")
	}
	return lines
}

// regenerate does in memory what the line does.
func regenerate(t *testing.T, line generateLine, previous []File) []File {
	t.Helper()
	pkg, err := PackageName(line.dir)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPackage(analyse(t, line.path), pkg, PackageOptions{Model: line.name})
	if err != nil {
		t.Fatal(err)
	}
	return generate(t, p, Options{Previous: previous}).Files
}

// differences says where two sets of files part, a line for each file.
func differences(before, after []File) (diff []string) {
	now := map[string][]byte{}
	for _, f := range after {
		now[f.Name] = f.Data
	}
	for _, f := range before {
		data, ok := now[f.Name]
		delete(now, f.Name)
		switch {
		case !ok:
			diff = append(diff, f.Name+" is gone")
		case !bytes.Equal(f.Data, data):
			diff = append(diff, f.Name+": "+firstDifference(f.Data, data))
		}
	}
	for name := range now {
		diff = append(diff, name+" is new")
	}
	return diff
}

// firstDifference shows the first line in which two texts differ.
func firstDifference(a, b []byte) string {
	x, y := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	for i := range min(len(x), len(y)) {
		if !bytes.Equal(x[i], y[i]) {
			return fmt.Sprintf("line %d is %q, becomes %q", i+1, x[i], y[i])
		}
	}
	return fmt.Sprintf("%d lines, become %d", len(x), len(y))
}
