package checkpoint

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// A file gets the very permissions asked for, whatever the umask: that of most systems takes some of these away.
func TestWriteFileExact(t *testing.T) {
	for _, mode := range []fs.FileMode{0o600, 0o644, 0o666, 0o777, 0o400, 0o444, 0, fs.ModeSetuid | fs.ModeSticky | 0o755} {
		dir := t.TempDir()
		size, err := writeFile(dir, "below/file", mode, func(w io.Writer) error {
			_, err := io.WriteString(w, "text")
			return err
		})
		if err != nil || size != 4 {
			t.Fatalf("%v: %d bytes, %v", mode, size, err)
		}
		info, err := os.Stat(filepath.Join(dir, "below", "file"))
		if err != nil || info.Mode() != mode.Perm() {
			t.Errorf("%v, want %v; %v", info.Mode(), mode.Perm(), err)
		}
	}
}

func TestCopyFileMode(t *testing.T) {
	for _, mode := range []fs.FileMode{0o600, 0o666, 0o755, 0o444} {
		from, to := t.TempDir(), t.TempDir()
		path := filepath.Join(from, "file")
		writeText(t, path, "text")
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := copyFile(context.Background(), to, "copy", from, "file", silent{}); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(to, "copy"))
		if err != nil || info.Mode() != mode {
			t.Errorf("%v, want %v; %v", info.Mode(), mode, err)
		}
	}
}
