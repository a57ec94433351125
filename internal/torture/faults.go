//go:build linux

package torture

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// faults are all faults. If a fault changes something beside the run itself, its undo takes it back.
var faults = []fault{
	{name: "disk full", random: true, skip: mayMount, prepare: func(a *attempt) error {
		total, _ := a.want.size()
		before, err := files(a.place.dir)
		if err != nil {
			return err
		}
		there, _ := (&reference{files: before}).size()
		a.says = []string{"no space left on device"}
		// There is room for what is there, with a page for each file and folder, and for a part of the new output.
		return a.mount(there + int64(4096*(len(before)+2)) + a.random.Int64N(max(1, total*9/10)))
	}},
	{name: "limit of a file's size", random: true, prepare: func(a *attempt) error {
		_, largest := a.want.size()
		a.limit = a.random.Int64N(max(1, largest/1024))
		a.says = []string{"file too large"}
		return nil
	}},
	{name: "file system read-only", skip: mayMount, prepare: func(a *attempt) error {
		a.says = []string{"read-only file system"}
		total, _ := a.want.size()
		if err := a.mount(2*total + 1<<20); err != nil {
			return err
		}
		return syscall.Mount("bespoke", a.place.dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
	}},
	{name: "no permission to write", prepare: func(a *attempt) error {
		a.nobody, a.says = true, []string{"permission denied"}
		if err := a.copyInput(); err != nil {
			return err
		}
		a.undo = append(a.undo, func() error { return os.Chmod(a.place.dir, 0o755) })
		return os.Chmod(a.place.dir, 0o555)
	}},
	{name: "no permission to read", random: true, prepare: func(a *attempt) error {
		if err := a.copyInput(); err != nil {
			return err
		}
		path, err := a.weights()
		if err != nil {
			return err
		}
		a.nobody, a.says = true, []string{filepath.Base(path), "permission denied"}
		return errors.Join(os.Chmod(path, 0), os.Chmod(a.place.dir, 0o777))
	}},
	{name: "pipe in place of a file", random: true, prepare: func(a *attempt) error {
		return a.swapInput(func(path string) error { return syscall.Mkfifo(path, 0o666) })
	}},
	{name: "device in place of a file", random: true, prepare: func(a *attempt) error {
		return a.swapInput(func(path string) error { return os.Symlink("/dev/zero", path) })
	}},
	{name: "folder in place of a file", random: true, prepare: func(a *attempt) error {
		return a.swapInput(func(path string) error { return os.Mkdir(path, 0o777) })
	}},
	{name: "read error", skip: copiesNothing, prepare: func(a *attempt) error {
		if err := a.copyInput(); err != nil {
			return err
		}
		path := filepath.Join(a.input, a.cmd.Copied)
		if err := os.Remove(path); err != nil {
			return err
		}
		a.says = []string{a.cmd.Copied}
		return os.Symlink("/proc/self/mem", path) // reads as an empty file that fails with EIO
	}},
	{name: "standard output full", prepare: func(a *attempt) (err error) {
		a.stdout, err = os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		a.undo = append(a.undo, a.stdout.Close)
		a.appears, a.says = true, []string{"standard output", "no space left on device"}
		return nil
	}},
	{name: "output is a pipe", prepare: func(a *attempt) error {
		return a.swapOutput(" is not a ", func(path string) error { return syscall.Mkfifo(path, 0o666) })
	}},
	{name: "output is a link to nothing", prepare: func(a *attempt) error {
		return a.swapOutput("which does not exist", func(path string) error { return os.Symlink("nothing", path) })
	}},
	{name: "output lies below a file", prepare: func(a *attempt) error {
		file := filepath.Join(a.place.dir, "file")
		a.place.out = filepath.Join("file", a.place.out)
		a.says = []string{"not a directory"}
		return os.WriteFile(file, nil, 0o666)
	}},
	{name: "output holds what is not ours", prepare: func(a *attempt) error {
		if a.cmd.Before == "" {
			a.says = []string{a.place.path()}
			return os.MkdirAll(filepath.Join(a.place.path(), "precious"), 0o777)
		}
		a.says = []string{"precious.txt"}
		return os.WriteFile(filepath.Join(a.place.path(), "precious.txt"), []byte("mine"), 0o666)
	}},
}

func copiesNothing(cmd *Command) string {
	if cmd.Copied == "" {
		return "copies no file"
	}
	return ""
}

// weights chooses a safetensors file of the input.
func (a *attempt) weights() (string, error) {
	names, err := filepath.Glob(filepath.Join(a.input, "*.safetensors"))
	if err != nil || len(names) == 0 {
		return "", fmt.Errorf("no weights in %s: %w", a.input, err)
	}
	return names[a.random.IntN(len(names))], nil
}

// swapInput puts something else in the place of a file of the input.
func (a *attempt) swapInput(put func(path string) error) error {
	if err := a.copyInput(); err != nil {
		return err
	}
	path, err := a.weights()
	if err != nil {
		return err
	}
	a.says = []string{filepath.Base(path)}
	if err := os.Remove(path); err != nil {
		return err
	}
	return put(path)
}

// swapOutput puts something in the place of the output.
func (a *attempt) swapOutput(says string, put func(path string) error) error {
	a.says = []string{a.place.path(), says}
	if err := os.RemoveAll(a.place.path()); err != nil {
		return err
	}
	return put(a.place.path())
}
