//go:build unix

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// command returns what runs bespoke in a process of its own: by this name the test binary is bespoke.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "bespoke")
	if err := os.Symlink(self, name); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), name, args...) // none outlives its test
	cmd.Env = append(os.Environ(), "BESPOKE_DECODER=generic", "BESPOKE_LIBCUDA=none")
	return cmd
}

// exitCode runs a command and returns its exit code, -1 for one that a signal killed, and what it said.
func exitCode(t *testing.T, cmd *exec.Cmd) (code int, stderr string) {
	t.Helper()
	var text bytes.Buffer
	cmd.Stderr = &text
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), text.String()
}

func TestStdoutProcess(t *testing.T) {
	verify := func() *exec.Cmd {
		return command(t, "verify", "../../model/testdata/tiny-llama/bf16", "../../model/testdata/tiny-llama/df11")
	}
	t.Run("full", func(t *testing.T) {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if errors.Is(err, os.ErrNotExist) {
			t.Skip("no /dev/full here")
		}
		if err != nil {
			t.Fatal(err)
		}
		defer full.Close()
		cmd := verify()
		cmd.Stdout = full
		code, stderr := exitCode(t, cmd)
		if code != exitFailure || stderr != "bespoke: standard output: write /dev/stdout: no space left on device\n" {
			t.Errorf("exit code %d, stderr %q", code, stderr)
		}
	})
	t.Run("nobody reads", func(t *testing.T) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		r.Close()
		cmd := verify()
		cmd.Stdout = w
		if code, stderr := exitCode(t, cmd); code != exitSignal+int(syscall.SIGPIPE) || stderr != "" {
			t.Errorf("exit code %d, stderr %q", code, stderr)
		}
	})
}

// longModel makes a model whose last file takes seconds to copy, and no room of its own.
func longModel(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	if err := os.CopyFS(dir, os.DirFS("../../model/testdata/tiny-llama/bf16")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "zeros"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, "zeros"), 8<<30); err != nil {
		t.Fatal(err)
	}
	return dir
}

// awaitFile waits until a file of that name lies in the temporary folder of an output.
func awaitFile(t *testing.T, dir, name string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if found, _ := filepath.Glob(filepath.Join(dir, ".*.bespoke-tmp", name)); len(found) > 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s never appears in %s", name, dir)
		}
	}
}

// A signal that asks a program to end makes it tidy up, and is told by the exit code.
func TestSignals(t *testing.T) {
	model := longModel(t)
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(s.String(), func(t *testing.T) {
			if signal.Ignored(s) {
				t.Skip("the tests were started to ignore this signal, as nohup does, and so is what they start")
			}
			dir := t.TempDir()
			cmd := command(t, "compress", model, "-o", filepath.Join(dir, "new", "out"))
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			awaitFile(t, filepath.Join(dir, "new"), "zeros")
			if err := cmd.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != exitSignal+int(s) || stderr.String() != "bespoke: interrupted, nothing was written\n" {
				t.Errorf("exit code %d, stderr %q", code, &stderr)
			}
			if entries, _ := os.ReadDir(dir); len(entries) > 0 {
				t.Errorf("left behind: %v", entries)
			}
		})
	}
}

// What the program was started to ignore it goes on ignoring.
func TestNohup(t *testing.T) {
	dir := t.TempDir()
	cmd := command(t, "compress", longModel(t), "-o", filepath.Join(dir, "out"))
	shell := exec.CommandContext(t.Context(), "sh", "-c", `trap "" HUP; exec "$@"`, "sh")
	shell.Args = append(shell.Args, cmd.Args...)
	shell.Env = cmd.Env
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	awaitFile(t, dir, "zeros")
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGTERM} {
		if err := shell.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	_ = shell.Wait()
	if code := shell.ProcessState.ExitCode(); code != exitSignal+int(syscall.SIGTERM) {
		t.Errorf("exit code %d", code)
	}
}

// A limit on the size of files ends a command with an error, and not with a trace.
func TestFileSizeLimit(t *testing.T) {
	dir := t.TempDir()
	cmd := command(t, "compress", "../../model/testdata/tiny-llama/bf16", "-o", filepath.Join(dir, "out"))
	shell := exec.CommandContext(t.Context(), "sh", "-c", `ulimit -f 16; exec "$@"`, "sh")
	shell.Args = append(shell.Args, cmd.Args...)
	shell.Env = cmd.Env
	code, stderr := exitCode(t, shell)
	if code != exitFailure || !strings.HasSuffix(stderr, ": file too large\n") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	if entries, _ := os.ReadDir(dir); len(entries) > 0 {
		t.Errorf("left behind: %v", entries)
	}
}
