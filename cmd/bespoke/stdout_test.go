package main

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seed54244801/bespoke/internal/testenv"
)

// failing is a standard output that takes some bytes, and then no more.
type failing struct {
	room int
	err  error
}

func (f *failing) Write(b []byte) (int, error) {
	if f.room -= len(b); f.room < 0 {
		return 0, f.err
	}
	return len(b), nil
}

// Every command whose output cannot be written fails, whatever it prints with.
func TestStdoutFails(t *testing.T) {
	t.Setenv("BESPOKE_LIBCUDA", "none")
	const model, df11 = "../../model/testdata/tiny-llama/bf16", "../../model/testdata/tiny-llama/df11"
	commands := [][]string{
		{}, {"--version"}, {"help", "compress"}, {"verify", "--help"}, {"completion", "bash"}, {"__complete", "compress", "--codebook", ""},
		{"inspect", model}, {"inspect", model, "--json"}, {"verify", model, df11}, {"verify", model, df11, "--json"},
		{"compress", model, "-o", "OUT/compressed"}, {"compress", model, "-o", "OUT/compressed2", "--json"},
		{"decompress", df11, "-o", "OUT/restored"}, {"decompress", df11, "-o", "OUT/restored2", "--json"},
		{"convert", model, "--to", "bf16", "-o", "OUT/converted"}, {"convert", model, "--to", "bf16", "-o", "OUT/converted2", "--json"},
		{"generate", model, "-o", "OUT/generated", "--no-cuda"},
		{"devices"}, {"devices", "--json"}, {"bench", df11, "--time", "1ns"}, {"bench", df11, "--time", "1ns", "--json"},
	}
	for which, args := range commands {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			dir := t.TempDir()
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], "OUT", dir)
			}
			for i, c := range []struct {
				room int
				err  error
				code int
				want string
			}{
				{0, syscall.ENOSPC, exitFailure, "bespoke: standard output: no space left on device\n"},
				{0, io.ErrClosedPipe, exitFailure, "bespoke: standard output: io: read/write on closed pipe\n"},
				{0, syscall.EPIPE, exitSignal + 13, ""},
			} {
				if !testenv.Long() && i != which%3 {
					continue // other commands meet this error
				}
				var stderr bytes.Buffer
				code := run(t.Context(), append(args, flagsFor(args)...), &failing{c.room, c.err}, &stderr)
				said := strings.TrimPrefix(stderr.String(), "Completion ended with directive: ShellCompDirectiveNoFileComp\n")
				if code != c.code || said != c.want {
					t.Errorf("exit code %d, stderr %q, want %d, %q", code, said, c.code, c.want)
				}
			}
		})
	}
}

// flagsFor lets a command that writes a folder do so again.
func flagsFor(args []string) []string {
	for _, a := range args {
		if a == "-o" {
			return []string{"--force"}
		}
	}
	return nil
}

// The last byte counts as much as the first, and a failure of the command itself is what is reported.
func TestStdoutFailsLate(t *testing.T) {
	const model = "../../model/testdata/tiny-llama/bf16"
	var all, stderr bytes.Buffer
	if code := run(t.Context(), []string{"inspect", model}, &all, &stderr); code != 0 {
		t.Fatal(code)
	}
	for _, room := range []int{all.Len() - 1, all.Len()} {
		want := 0
		if room < all.Len() {
			want = exitFailure
		}
		if code := run(t.Context(), []string{"inspect", model}, &failing{room, errors.New("full")}, io.Discard); code != want {
			t.Errorf("room for %d of %d bytes: exit code %d, want %d", room, all.Len(), code, want)
		}
	}
	once := &failing{10, errors.New("full")}
	o := standardOutput{w: once}
	if _, err := o.Write(make([]byte, 11)); err == nil {
		t.Error("no error")
	}
	once.room = 10
	if n, err := o.Write(make([]byte, 1)); err == nil || n > 0 {
		t.Error("the output goes on with a hole in it")
	}
	stderr.Reset()
	code := run(t.Context(), []string{"inspect", filepath.Join(t.TempDir(), "none")}, &failing{0, errors.New("full")}, &stderr)
	if code != exitFailure || !strings.Contains(stderr.String(), "no such file") {
		t.Errorf("exit code %d, stderr %q", code, &stderr)
	}
}
