package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed54244801/bespoke/internal/atomicfile"
	"github.com/seed54244801/bespoke/model"
)

// ErrOutputExists is wrapped by the error of an operation whose output exists and must not be replaced.
var ErrOutputExists = errors.New("exists already")

// newOutput starts the folder dst, which appears when it is committed. It refuses a folder that holds an
// input, for replacing it would delete the input, and one that lies in an input folder, which would then
// contain its own product.
func newOutput(dst string, force bool, inputs ...string) (*atomicfile.Dir, error) {
	target, err := resolve(dst)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: output: %w", err)
	}
	for _, input := range inputs {
		from, err := filepath.EvalSymlinks(input)
		if err == nil {
			from, err = filepath.Abs(from)
		}
		switch {
		case err != nil:
			return nil, fmt.Errorf("checkpoint: input: %w", err)
		case from == target:
			return nil, fmt.Errorf("checkpoint: output %s is the input itself", dst)
		case within(from, target):
			return nil, fmt.Errorf("checkpoint: output %s holds the input %s", dst, input)
		case within(target, from):
			return nil, fmt.Errorf("checkpoint: output %s lies in the input %s", dst, input)
		}
	}
	if force {
		if err := replaceable(dst); err != nil {
			return nil, err
		}
	}
	// Through a link the folder it names is written, not the link.
	dir, err := atomicfile.NewDir(target, force)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil, fmt.Errorf("checkpoint: output %s %w", dst, ErrOutputExists)
	case err != nil:
		return nil, fmt.Errorf("checkpoint: output: %w", err)
	}
	return dir, nil
}

// commit lets the output appear, unless the context has ended.
func commit(ctx context.Context, out *atomicfile.Dir) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return out.Commit()
}

// inputOf returns what of the file system a model opened at path takes in: its folder, or one file.
func inputOf(c *model.Checkpoint, path string) string {
	if c.Lone {
		return path
	}
	return c.Dir
}

// resolve returns the absolute path of a name that may not exist yet, links followed.
func resolve(name string) (string, error) {
	name, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(name); err == nil {
		return real, nil
	}
	parent, err := filepath.EvalSymlinks(filepath.Dir(name))
	if err != nil {
		return "", err
	}
	return filepath.Join(parent, filepath.Base(name)), nil
}

// within reports whether path lies below folder.
func within(path, folder string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && rel != "." && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// replaceable refuses to replace what no command of this program can have written: a slip in the name of
// the output must not cost a home folder.
func replaceable(dst string) error {
	info, err := os.Stat(dst)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("checkpoint: output: %w", err)
	case !info.IsDir():
		return fmt.Errorf("checkpoint: output %s exists and is not a folder", dst)
	}
	entries, err := os.ReadDir(dst)
	if err != nil {
		return fmt.Errorf("checkpoint: output: %w", err)
	}
	for _, e := range entries {
		if n := e.Name(); n == model.ConfigName || strings.HasSuffix(n, model.Extension) {
			return nil
		}
	}
	if len(entries) > 0 {
		return fmt.Errorf("checkpoint: output %s is not a model: it has %d entries, but neither config.json nor safetensors files; remove it yourself to use the name", dst, len(entries))
	}
	return nil
}
