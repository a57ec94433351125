//go:build linux

package torture

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A Command is a command line that makes one output, a folder or a file.
type Command struct {
	Name string
	// Args are the arguments. In them, IN stands for Input and OUT for the output.
	Args []string
	// Again are the arguments of the run after a killed one, such as with --resume. nil means the same arguments.
	Again []string
	// Input is the path of the command's input.
	Input string
	// Before is a folder whose copy the output replaces; "" for none.
	Before string
	// Out is the name of the output; "" means "out".
	Out string
	// Copied is a file of the input that is copied to the output; "" if there is none.
	Copied string
}

func (c *Command) out() string { return cmp.Or(c.Out, "out") }

// Config says what to torture, and where.
type Config struct {
	// Bespoke is the path of the binary.
	Bespoke string
	// Dir is a folder to work in, on the file system to be tested. It is empty again afterwards.
	Dir string
	// Env is the environment of the binary; nil means that of the process.
	Env []string
	// Patience is how long a run may take before it counts as hanging; 0 means two minutes.
	Patience time.Duration
	// Seed decides everything that is left to chance, except for what the machine adds to the moment of a kill.
	Seed uint64
}

// place is the folder of one run, in which its output lies.
type place struct{ dir, out string }

// path returns the path of the output.
func (p place) path() string { return filepath.Join(p.dir, p.out) }

// temporary reports whether the folder holds more than the output.
func (p place) temporary() bool {
	entries, _ := os.ReadDir(p.dir)
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() != p.out })
}

// newPlace makes a place with the folder that the command's output replaces.
func (c *Config) newPlace(cmd *Command) (place, error) {
	dir, err := os.MkdirTemp(c.Dir, "run-")
	p := place{dir, cmd.out()}
	if err == nil && cmd.Before != "" {
		err = os.CopyFS(p.path(), os.DirFS(cmd.Before))
	}
	return p, err
}

// command returns a run of the binary.
func (c *Config) command(ctx context.Context, args []string, input, out string) (*exec.Cmd, *bytes.Buffer) {
	args = slices.Clone(args)
	for i := range args {
		args[i] = strings.ReplaceAll(strings.ReplaceAll(args[i], "IN", input), "OUT", out)
	}
	cmd := exec.CommandContext(ctx, c.Bespoke, args...)
	cmd.Env = c.Env
	// The processes that it starts must end with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	return cmd, &stderr
}

// complete runs a command to its end, which must be a success.
func (c *Config) complete(ctx context.Context, cmd *Command, args []string, p place) error {
	run, stderr := c.command(ctx, args, cmd.Input, p.path())
	if err := run.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", cmd.Name, err, stderr)
	}
	return nil
}

// reference is the output of a command that nothing disturbs.
type reference struct {
	files    map[string]string
	duration time.Duration
	start    time.Duration // the time until something of the output is there
}

// refer runs a command undisturbed.
func (c *Config) refer(ctx context.Context, cmd *Command) (*reference, error) {
	p, err := c.newPlace(cmd)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(p.dir)
	run, stderr := c.command(ctx, cmd.Args, cmd.Input, p.path())
	begin := time.Now()
	if err := run.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- run.Wait() }()
	r := &reference{}
	for r.start == 0 {
		select {
		case err = <-ended:
			r.start = time.Since(begin)
			ended <- err
		case <-time.After(100 * time.Microsecond):
			if p.temporary() {
				r.start = time.Since(begin)
			}
		}
	}
	if err := <-ended; err != nil {
		return nil, fmt.Errorf("%s: %w: %s", cmd.Name, err, stderr)
	}
	r.duration = time.Since(begin)
	r.files, err = files(p.dir)
	return r, err
}

// files returns everything below a folder by path: permissions, and a sum of the content of a file. It is no error
// if something vanishes in the meantime.
func files(dir string) (map[string]string, error) {
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || path == dir {
			return nil
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		entry := info.Mode().String()
		if info.Mode().IsRegular() {
			sum, err := sumOf(path)
			if err != nil {
				return err
			}
			entry += fmt.Sprintf(" %d %x", info.Size(), sum)
		}
		found[rel] = entry
		return nil
	})
	return found, err
}

func sumOf(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sum := fnv.New128a()
	_, err = io.Copy(sum, f)
	return sum.Sum(nil), err
}

// below returns the entries of files that lie in a folder, and the folder itself.
func below(files map[string]string, name string) map[string]string {
	found := maps.Clone(files)
	maps.DeleteFunc(found, func(path, _ string) bool {
		return path != name && !strings.HasPrefix(path, name+string(filepath.Separator))
	})
	return found
}

// difference says where two states of a folder first differ. It returns "" if they do not.
func difference(want, got map[string]string) string {
	names := slices.Sorted(maps.Keys(got))
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if _, ok := got[name]; !ok {
			return name + " is missing"
		}
	}
	for _, name := range names {
		switch w, ok := want[name]; {
		case !ok:
			return name + " is new"
		case w != got[name]:
			return fmt.Sprintf("%s is %s, not %s", name, got[name], w)
		}
	}
	return ""
}
