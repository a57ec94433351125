package host

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/seed54244801/bespoke/internal/isolated"
)

// kept is how long a file stays in the cache after it was last asked for.
const kept = 7 * 24 * time.Hour

// cached calls build, which makes the file path of a source. Another time, perhaps in another process, it copies what was
// built then. The files lie in the user's cache folder, under the hash of all that they were made from.
func cached(compiler string, flags []string, source []byte, path string, build func() error) error {
	entry, err := cacheEntry(compiler, flags, source)
	if err != nil {
		return build() // there is no cache
	}
	if copyFile(entry, path) == nil {
		now := time.Now()
		_ = os.Chtimes(entry, now, now)
		return nil
	}
	if err := build(); err != nil {
		return err
	}
	// What could not be kept is built again.
	temporary := fmt.Sprintf("%s.%d", entry, os.Getpid())
	if err := copyFile(path, temporary); err != nil || os.Rename(temporary, entry) != nil {
		_ = os.Remove(temporary)
	}
	trim(filepath.Dir(entry))
	return nil
}

// cacheEntry returns the path in the cache of what a compiler makes of a source.
func cacheEntry(compiler string, flags []string, source []byte) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	folder, err := isolated.NewFolder()
	if err != nil {
		return "", err
	}
	defer folder.Remove()
	version, err := folder.Run(context.Background(), compiler, "--version")
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n%q\n%d\n%s", compiler, version, flags, len(source), source)
	err = fs.WalkDir(sources, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := sources.ReadFile(path)
		fmt.Fprintf(h, "%s\n%d\n%s", path, len(text), text)
		return err
	})
	if err != nil {
		return "", err
	}
	cache = filepath.Join(cache, "bespoke-host")
	return filepath.Join(cache, fmt.Sprintf("%x", h.Sum(nil))), os.MkdirAll(cache, 0o700)
}

// copyFile copies an executable.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if closed := out.Close(); err == nil {
		err = closed
	}
	return err
}

// trim removes what nobody has asked for in a while.
func trim(folder string) {
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > kept {
			_ = os.Remove(filepath.Join(folder, e.Name()))
		}
	}
}
