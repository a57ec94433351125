//go:build linux

package torture

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed54244801/bespoke/model"
)

// script makes a program of a few lines of shell. Its arguments are those of the command.
func script(t *testing.T, lines ...string) Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bespoke")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+strings.Join(lines, "\n")), 0o777); err != nil {
		t.Fatal(err)
	}
	return Config{Bespoke: path, Dir: t.TempDir(), Seed: 1, Patience: time.Second / 2}
}

// Kill finds programs that do it wrong.
func TestKillFinds(t *testing.T) {
	const slowly = `sleep 0.05`
	cases := []struct {
		name  string
		lines []string
		found func(c *KillCount) int
	}{
		{"half an output", []string{`rm -rf "$1"; mkdir "$1"; echo a >"$1/a"`, slowly, `echo b >"$1/b"`}, func(c *KillCount) int { return c.Half }},
		{"left-overs", []string{`mkdir "$1.$$"; echo a >"$1.$$/a"`, slowly, `mv "$1.$$" "$1"`}, func(c *KillCount) int { return c.Left }},
		{"a lock that is never released", []string{`mkdir "$1.lock" || exit 1`, slowly, `rmdir "$1.lock"; mkdir "$1"`}, func(c *KillCount) int { return c.Wrong }},
		{"another result after a kill", []string{`[ -e "$1.temp" ]; echo $? >"$1.temp"`, slowly, `mv "$1.temp" "$1"`}, func(c *KillCount) int { return c.Wrong }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			count, err := Kill(t.Context(), script(t, c.lines...), Command{Name: "it", Args: []string{"OUT"}}, 8)
			if err != nil {
				t.Fatal(err)
			}
			if c.found(count) == 0 || len(count.Problems) == 0 || count.Kills != count.Early+count.Midway+count.Late {
				t.Errorf("%+v", count)
			}
		})
	}
	right := script(t, `rm -rf "$1.temp"; mkdir "$1.temp"; echo a >"$1.temp/a"`, slowly, `mv "$1.temp" "$1"`)
	count, err := Kill(t.Context(), right, Command{Name: "it", Args: []string{"OUT"}}, 8)
	if err != nil || count.Half+count.Left+count.Wrong > 0 || count.Kills != 8 {
		t.Errorf("a program that does it right: %+v, %v", count, err)
	}
	if _, err := Kill(t.Context(), script(t, "echo no >&2; exit 1"), Command{Name: "it"}, 1); err == nil || !strings.Contains(err.Error(), "no") {
		t.Errorf("a program that always fails: %v", err)
	}
}

func TestFaultsFind(t *testing.T) {
	input := t.TempDir()
	if err := os.WriteFile(filepath.Join(input, "x.safetensors"), make([]byte, 1<<16), 0o666); err != nil {
		t.Fatal(err)
	}
	bad := map[string]string{ // by the thing that is wrong
		"says":               `mkdir "$2" && head -c 99999 "$1"/* >"$2/f"`,
		"exit code 0":        `mkdir "$2" 2>/dev/null && echo x >"$2/f"; exit 0`,
		"exit status 3":      `mkdir "$2" 2>/dev/null && head -c 99999 "$1"/* >"$2/f" 2>/dev/null || exit 3`,
		"afterwards":         `touch "$2.left"; mkdir "$2" 2>/dev/null && head -c 99999 "$1"/* >"$2/f" 2>/dev/null || { echo "bespoke: x.safetensors" >&2; exit 1; }; rm "$2.left"`,
		"hangs":              `mkdir "$2" && head -c 99999 "$1"/* >"$2/f"`,
		"does not say \"x.s": `mkdir "$2" 2>/dev/null && head -c 99999 "$1"/* >"$2/f" 2>/dev/null || { rm -rf "$2" 2>/dev/null; echo "bespoke: oh" >&2; exit 1; }`,
	}
	for want, line := range bad {
		t.Run(want, func(t *testing.T) {
			counts, err := Faults(t.Context(), script(t, line), Command{Name: "it", Args: []string{"IN", "OUT"}, Input: input}, 1)
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, c := range counts {
				all = append(all, c.Problems...)
			}
			if !strings.Contains(strings.Join(all, "\n"), want) {
				t.Errorf("%q", all)
			}
		})
	}
}

// An enlarged model is a sound model with as many layers as it says.
func TestEnlarge(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "large")
	if err := Enlarge("../../testdata/shakespeare-llama", dir, 3); err != nil {
		t.Fatal(err)
	}
	c, err := model.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if len(c.Files) != 3 || c.Tensor("model.layers.11.mlp.up_proj.weight") == nil || c.Tensor("model.layers.12.mlp.up_proj.weight") != nil {
		t.Errorf("%d files", len(c.Files))
	}
	if !strings.Contains(string(c.Config.Raw), `"num_hidden_layers": 12,`) {
		t.Errorf("%s", c.Config.Raw)
	}
}
