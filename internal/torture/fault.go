//go:build linux

package torture

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// FaultCount is the result of denying one thing to one command.
type FaultCount struct {
	Command, Fault string
	// Runs is how often the command was run. Bad counts the runs that did not end with exit code 1 and one line on
	// standard error that says what was wrong, or that changed what was there, or that left something behind.
	Runs, Bad int
	// Problems describes the runs that Bad counts.
	Problems []string
	// Skipped says why the fault cannot be made here. It is "" if it can.
	Skipped string
}

// fault is one thing that is denied.
type fault struct {
	name string
	// random says that the fault depends on chance, so that it is worth repeating.
	random bool
	// skip says why the fault cannot be made for a command here. It returns "" if it can.
	skip func(cmd *Command) string
	// prepare makes the fault.
	prepare func(a *attempt) error
}

// attempt is one run of a command under a fault.
type attempt struct {
	cfg    *Config
	cmd    *Command
	want   *reference
	random *rand.Rand
	place  place

	input   string // the input of the run
	limit   int64  // the largest size of a file that the run may write, in half KiB
	nobody  bool   // run as a user without any rights
	stdout  *os.File
	appears bool     // the output may appear in spite of the fault
	says    []string // what standard error must say
	undo    []func() error
}

// Faults runs a command under every fault. It repeats faults that depend on chance n times.
func Faults(ctx context.Context, cfg Config, cmd Command, n int) ([]FaultCount, error) {
	want, err := cfg.refer(ctx, &cmd)
	if err != nil {
		return nil, err
	}
	var counts []FaultCount
	for i, f := range faults {
		count := FaultCount{Command: cmd.Name, Fault: f.name}
		if f.skip != nil {
			count.Skipped = f.skip(&cmd)
		}
		random := rand.New(rand.NewPCG(cfg.Seed, uint64(i)))
		for count.Skipped == "" && (count.Runs == 0 || f.random && count.Runs < n) {
			problem, err := cfg.attempt(ctx, &cmd, want, random, &f)
			if err != nil {
				return counts, fmt.Errorf("%s, %s: %w", cmd.Name, f.name, err)
			}
			count.Runs++
			if problem != "" {
				count.Bad++
				count.Problems = append(count.Problems, fmt.Sprintf("%s, %s: %s", cmd.Name, f.name, problem))
			}
		}
		counts = append(counts, count)
	}
	return counts, nil
}

// attempt runs a command once under a fault and says what is wrong with the result.
func (c *Config) attempt(ctx context.Context, cmd *Command, want *reference, random *rand.Rand, f *fault) (problem string, err error) {
	p, err := c.newPlace(cmd)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(p.dir)) }()
	a := &attempt{cfg: c, cmd: cmd, want: want, random: random, place: p, input: cmd.Input, limit: endless}
	defer func() {
		for _, undo := range slices.Backward(a.undo) {
			err = errors.Join(err, undo())
		}
	}()
	if err := f.prepare(a); err != nil {
		return "", err
	}
	before, err := files(p.dir)
	if err != nil {
		return "", err
	}
	problem = a.run(ctx)
	after, err := files(p.dir)
	if d := difference(before, after); problem == "" && d != "" && !a.appears {
		problem = "afterwards " + d
	}
	if problem == "" && a.appears && a.place.temporary() {
		problem = "something is left"
	}
	return problem, errors.Join(err, ctx.Err())
}

// run runs the command and says what is wrong with its end.
func (a *attempt) run(ctx context.Context) (problem string) {
	var err error
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(a.cfg.Patience, 2*time.Minute))
	defer cancel()
	cmd, stderr := a.cfg.command(ctx, a.cmd.Args, a.input, a.place.path())
	if a.stdout != nil {
		cmd.Stdout = a.stdout
	}
	if a.nobody && os.Geteuid() == 0 {
		if cmd.Path, err = a.ownBinary(); err != nil {
			return err.Error()
		}
		cmd.Args[0] = cmd.Path
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	cmd.Args = append([]string{"/bin/sh", "-c", fmt.Sprintf(`ulimit -f %d; exec "$@"`, a.limit), "sh"}, cmd.Args...)
	cmd.Path = cmd.Args[0]
	err = cmd.Run()
	exit, ok := errors.AsType[*exec.ExitError](err)
	switch {
	case ctx.Err() != nil:
		return "hangs"
	case err == nil:
		return "exit code 0"
	case !ok:
		return err.Error()
	case exit.ExitCode() != 1:
		return fmt.Sprintf("%v: %s", exit, stderr)
	}
	line, rest, _ := strings.Cut(stderr.String(), "\n")
	if !strings.HasPrefix(line, "bespoke: ") || rest != "" {
		return fmt.Sprintf("says %q", stderr)
	}
	for _, words := range a.says {
		if !strings.Contains(line, words) {
			return fmt.Sprintf("does not say %q: %s", words, line)
		}
	}
	return ""
}

// endless is the limit of a file's size if no other is asked for. A command that reads an endless device must not
// fill the disk.
const endless = 1 << 30 / 512

// nobody is the number of a user without rights.
const nobody = 65534

// ownBinary returns the path of a copy of the binary that everybody may run.
func (a *attempt) ownBinary() (string, error) {
	dir, err := os.MkdirTemp(a.cfg.Dir, "bin-")
	if err != nil {
		return "", err
	}
	a.undo = append(a.undo, func() error { return os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", err
	}
	text, err := os.ReadFile(a.cfg.Bespoke)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, filepath.Base(a.cfg.Bespoke))
	return path, os.WriteFile(path, text, 0o755)
}

// size returns the number of bytes of a command's output, in all and in its largest file.
func (r *reference) size() (total, largest int64) {
	for _, entry := range r.files {
		var mode string
		var n int64
		if k, _ := fmt.Sscan(entry, &mode, &n); k == 2 {
			total, largest = total+n, max(largest, n)
		}
	}
	return total, largest
}

// copyInput makes the run read a copy of its input.
func (a *attempt) copyInput() error {
	dir, err := os.MkdirTemp(a.cfg.Dir, "input-")
	if err != nil {
		return err
	}
	a.undo = append(a.undo, func() error { return os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	a.input = filepath.Join(dir, filepath.Base(a.cmd.Input))
	return os.CopyFS(a.input, os.DirFS(a.cmd.Input))
}

// mount mounts a file system in memory, with room for that many bytes, where the output will lie.
func (a *attempt) mount(bytes int64) error {
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%d,mode=755", bytes), "bespoke", a.place.dir).CombinedOutput(); err != nil {
		return fmt.Errorf("mount: %w: %s", err, out)
	}
	a.undo = append(a.undo, func() error { return syscall.Unmount(a.place.dir, syscall.MNT_DETACH) })
	if a.cmd.Before == "" {
		return nil
	}
	return os.CopyFS(a.place.path(), os.DirFS(a.cmd.Before))
}

// mayMount says why nothing can be mounted. It returns "" if it can.
func mayMount(*Command) string {
	if os.Geteuid() != 0 {
		return "only root can mount"
	}
	dir, err := os.MkdirTemp("", "mount-")
	if err != nil {
		return err.Error()
	}
	defer os.Remove(dir)
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=4096", "bespoke", dir).CombinedOutput(); err != nil {
		return string(bytes.TrimSpace(out))
	}
	if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
		return err.Error()
	}
	return ""
}
