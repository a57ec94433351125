package regular

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("seven.."), 0o666); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink("file", link); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, path string
		limit      int64
		want       string // in the error
	}{
		{"file", file, 7, ""},
		{"link", link, 7, ""},
		{"too large", file, 6, "7 bytes, max 6"},
		{"missing", filepath.Join(dir, "none"), 7, "no such file"},
		{"folder", dir, 1 << 20, "not a regular file (d---------)"},
		{"device", os.DevNull, 7, "not a regular file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			text, err := Read(test.path, test.limit)
			if test.want == "" {
				if err != nil || string(text) != "seven.." {
					t.Errorf("have %q, %v", text, err)
				}
				return
			}
			if _, ok := errors.AsType[*fs.PathError](err); !ok || !strings.Contains(err.Error(), test.want) {
				t.Errorf("have %v, want a PathError with %q", err, test.want)
			}
		})
	}
}

func TestOdd(t *testing.T) {
	dir := t.TempDir()
	put := func(name string, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	for path, want := range map[string]string{
		put("file", os.WriteFile(filepath.Join(dir, "file"), nil, 0o666)): "",
		put("link", os.Symlink("file", filepath.Join(dir, "link"))):       "",
		put("lost", os.Symlink("none", filepath.Join(dir, "lost"))):       "a link that leads nowhere",
		put("loop", os.Symlink("loop", filepath.Join(dir, "loop"))):       "a link that leads nowhere",
		filepath.Join(dir, "none"):                                        "not there",
		filepath.Join(dir, "file", "below"):                               "not there",
		dir:                                                               "a folder",
		os.DevNull:                                                        "a device",
	} {
		if have := Odd(path); have != want {
			t.Errorf("%s: have %q, want %q", path, have, want)
		}
	}
}
