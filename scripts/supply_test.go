// Package scripts tests what the module downloads and runs besides its own code.
package scripts

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPipHashes checks that every call of pip takes files by their hashes alone.
func TestPipHashes(t *testing.T) {
	paths := []string{"../.ci/run", "../Makefile"}
	for _, pattern := range []string{"*.sh", "*.py"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	call := regexp.MustCompile(`(?m)^.*\bpip"?,? "?(?:install|download)\b(?:.*\\\n)*.*$`)
	list := regexp.MustCompile(`-r (scripts/requirements/[\w-]+\.txt)`)
	calls, used := 0, map[string]bool{}
	for _, path := range paths {
		if path == "requirements.py" { // it makes the hashes
			continue
		}
		text := read(t, path)
		for _, c := range call.FindAllString(text, -1) {
			calls++
			if strings.HasSuffix(path, ".py") { // arguments of a call, on one or more lines
				c = text[strings.Index(text, c):]
				c, _, _ = strings.Cut(c, "]")
			} else if m := list.FindStringSubmatch(c); m == nil {
				t.Errorf("%s: no requirements in %q", path, c)
			} else {
				used[m[1]] = true
			}
			if !strings.Contains(c, "--require-hashes") || !strings.Contains(c, "--no-deps") {
				t.Errorf("%s: %q", path, c)
			}
		}
	}
	if calls < 6 {
		t.Errorf("%d calls of pip found, want at least 6", calls)
	}

	files, err := filepath.Glob("requirements/*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	entry := regexp.MustCompile(`^[\w-]+==[\d.]+( \\\n    --hash=sha256:[0-9a-f]{64})+\n`)
	for _, path := range files {
		if !used["scripts/"+filepath.ToSlash(path)] {
			t.Errorf("nothing uses %s", path)
		}
		text := read(t, path)
		for text != "" {
			if strings.HasPrefix(text, "#") {
				_, text, _ = strings.Cut(text, "\n")
				continue
			}
			m := entry.FindString(text)
			if m == "" {
				t.Fatalf("%s: no version with hashes: %.80q", path, text)
			}
			text = text[len(m):]
		}
	}
}

// TestVulncheck puts a script in the place of the go command. The script has the words and the exit status of
// govulncheck.
func TestVulncheck(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip(err)
	}
	const get = `govulncheck: fetching vulnerabilities: Get "https://db.example/index/modules.json.gz": `
	for _, tt := range []struct {
		name, says string
		status     int
		want       int
		skipped    bool
	}{
		{name: "nothing found", says: "No vulnerabilities found."},
		{name: "found", says: "Vulnerability #1: GO-2099-0001", status: 3, want: 3},
		{name: "found, and unreachable as a name", says: "Vulnerability #1\n" + get + "dial tcp: x", status: 3, want: 3},
		{name: "no such host", says: get + "dial tcp: lookup db.example on 1.2.3.4:53: no such host", status: 1, skipped: true},
		{name: "after a download", says: "go: downloading x\n" + get + "dial tcp 1.2.3.4:443: connect: connection refused", status: 1, skipped: true},
		{name: "a proxy that is not there", says: get + "proxyconnect tcp: dial tcp: x", status: 1, skipped: true},
		{name: "slow", says: get + "net/http: TLS handshake timeout", status: 1, skipped: true},
		{name: "another server", says: get + "tls: failed to verify certificate: x509: unknown authority", status: 1, want: 1},
		{name: "a bad answer", says: "govulncheck: fetching vulnerabilities: unexpected end of JSON input", status: 1, want: 1},
		{name: "unreachable, then an error", says: get + "dial tcp: x\npanic: y", status: 1, want: 1},
		{name: "not built", says: "no such tool", status: 1, want: 1},
		{name: "killed", says: "", status: 137, want: 137},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fake := filepath.Join(t.TempDir(), "go")
			script := fmt.Sprintf("#!/bin/sh\n[ \"$*\" = 'tool govulncheck -x ./...' ] || exit 99\ncat <<'SAYS'\n%s\nSAYS\nexit %d\n", tt.says, tt.status)
			if err := os.WriteFile(fake, []byte(script), 0o777); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("./vulncheck.sh", "-x")
			cmd.Env = append(os.Environ(), "GO="+fake)
			out, err := cmd.CombinedOutput()
			status := 0
			if exit, ok := errors.AsType[*exec.ExitError](err); ok {
				status = exit.ExitCode()
			} else if err != nil {
				t.Fatal(err)
			}
			if status != tt.want || strings.Contains(string(out), "vulncheck: skipped") != tt.skipped || !strings.Contains(string(out), tt.says) {
				t.Errorf("status %d, want %d: %s", status, tt.want, out)
			}
		})
	}
}

// TestIsolated checks that all programs of the module start others through package isolated. The exceptions run
// what the module itself builds, the go command, or mount.
func TestIsolated(t *testing.T) {
	allowed := []string{
		"../internal/isolated/run.go", "../internal/torture/command.go", "../internal/torture/fault.go",
		"../tools/mutate/try.go", "../tools/reliability/program.go", "../tools/wall/timed.go",
	}
	starts := regexp.MustCompile(`\bexec\.Command|\bos\.StartProcess|\bsyscall\.(Fork)?Exec\b|\bunix\.Exec\b`)
	var found []string
	err := filepath.WalkDir("..", func(path string, e os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		if starts.MatchString(read(t, path)) {
			found = append(found, filepath.ToSlash(path))
		}
		return nil
	})
	if err != nil || !slices.Equal(found, allowed) {
		t.Errorf("other programs are started in %q, %v, want %q", found, err, allowed)
	}
}

// TestDependencies checks that go.mod and the section of the rationale that says what each module is for list the
// same modules.
func TestDependencies(t *testing.T) {
	cmd := exec.Command("go", "mod", "edit", "-json")
	cmd.Dir = ".."
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
		Tool []struct{ Path string }
	}
	if err := json.Unmarshal(text, &mod); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, r := range mod.Require {
		if !r.Indirect {
			want = append(want, r.Path)
		}
	}
	for _, tool := range mod.Tool {
		want = append(want, tool.Path)
	}
	_, section, ok := strings.Cut(read(t, "../docs/RATIONALE.md"), "\n### What is each dependency for?\n")
	if !ok {
		t.Fatal("no such section")
	}
	section, _, _ = strings.Cut(section, "\n#")
	var got []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (.{20,}) \\|$").FindAllStringSubmatch(section, -1) {
		got = append(got, m[1])
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the rationale names\n%q, go.mod\n%q", got, want)
	}
}
