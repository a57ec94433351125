package model

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestChanged does to the files of a model, while it is open, what must be noticed.
func TestChanged(t *testing.T) {
	edit := func(t *testing.T, path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name   string
		change func(t *testing.T, dir string)
		lone   string // what is found where the file was opened by its name
		folder string
	}{
		{"nothing", func(*testing.T, string) {}, "", ""},
		{"touched", func(t *testing.T, dir string) {
			if err := os.Chtimes(filepath.Join(dir, "m.safetensors"), time.Time{}, time.Unix(1, 0)); err != nil {
				t.Fatal(err)
			}
		}, "m.safetensors changed meanwhile", "m.safetensors changed meanwhile"},
		{"replaced", func(t *testing.T, dir string) {
			path := filepath.Join(dir, "m.safetensors")
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			edit(t, path+".new", oneTensor("a"))
			if err := os.Chtimes(path+".new", time.Time{}, info.ModTime()); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(path+".new", path); err != nil {
				t.Fatal(err)
			}
		}, "m.safetensors changed meanwhile", "m.safetensors changed meanwhile"},
		{"removed", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "m.safetensors")); err != nil {
				t.Fatal(err)
			}
		}, "no such file", "m.safetensors disappeared meanwhile"},
		{"longer", func(t *testing.T, dir string) { edit(t, filepath.Join(dir, "z.json"), "{  }") }, "", "z.json changed meanwhile"},
		{"first", func(t *testing.T, dir string) { edit(t, filepath.Join(dir, "a"), "") }, "", "a appeared meanwhile"},
		{"between", func(t *testing.T, dir string) { edit(t, filepath.Join(dir, "n"), "") }, "", "n appeared meanwhile"},
		{"last", func(t *testing.T, dir string) { edit(t, filepath.Join(dir, "zz"), "") }, "", "zz appeared meanwhile"},
		{"last removed", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "z.json")); err != nil {
				t.Fatal(err)
			}
		}, "", "z.json disappeared meanwhile"},
		{"all removed", func(t *testing.T, dir string) {
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		}, "no such file", "no such file"},
	}
	for _, tt := range tests {
		for _, lone := range []bool{false, true} {
			name, want := tt.name, tt.folder
			if lone {
				name, want = name+", by its name", tt.lone
			}
			t.Run(name, func(t *testing.T) {
				dir := writeFiles(t, map[string]string{"m.safetensors": oneTensor("a"), "z.json": "{}"})
				path := dir
				if lone {
					path = filepath.Join(dir, "m.safetensors")
				}
				c, err := Open(path)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				tt.change(t, dir)
				if err := c.Changed(); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
					t.Errorf("error %v, want %q", err, want)
				}
			})
		}
	}
}
