//go:build linux

package main

import (
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed54244801/bespoke/internal/torture"
)

var (
	kills = flag.Int("kills", 20, "how often TestKill kills all commands together")
	seed  = flag.Uint64("seed", 0, "decides over the moments of TestKill and the limits of TestFaults; 0 for a new one")
)

// tortured returns the commands that write something, and where to run them.
func tortured(t *testing.T, layers int) (torture.Config, []torture.Command) {
	t.Helper()
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	t.Logf("-seed %d", *seed)
	dir, err := os.MkdirTemp("", "torture-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // another user works in it, too
		t.Fatal(err)
	}
	made := func(name string, args ...string) string {
		path := filepath.Join(t.TempDir(), name)
		if code, stderr := exitCode(t, command(t, append(args, "-o", path)...)); code != 0 {
			t.Fatalf("%q: exit code %d, %s", args, code, stderr)
		}
		return path
	}
	large := filepath.Join(t.TempDir(), "large")
	if err := torture.Enlarge("../../testdata/shakespeare-llama", large, layers); err != nil {
		t.Fatal(err)
	}
	small := "../../model/testdata/tiny-llama/bf16"
	df11 := made("df11", "compress", large)
	run := command(t)
	return torture.Config{Bespoke: run.Path, Dir: dir, Env: run.Env, Seed: *seed}, []torture.Command{
		{Name: "compress", Args: []string{"compress", "IN", "-o", "OUT"}, Input: large, Copied: "tokenizer.json"},
		{Name: "compress --force", Args: []string{"compress", "IN", "-o", "OUT", "--force"}, Input: large, Copied: "tokenizer.json",
			Before: made("df11", "compress", small)},
		{Name: "compress --resume", Args: []string{"compress", "IN", "-o", "OUT"}, Again: []string{"compress", "IN", "-o", "OUT", "--resume"},
			Input: large, Copied: "tokenizer.json"},
		{Name: "decompress", Args: []string{"decompress", "IN", "-o", "OUT"}, Input: df11, Copied: "tokenizer.json"},
		{Name: "decompress --force", Args: []string{"decompress", "IN", "-o", "OUT", "--force"}, Input: df11, Copied: "tokenizer.json",
			Before: made("df11", "compress", small)},
		{Name: "convert", Args: []string{"convert", "IN", "--to", "bf16", "-o", "OUT"}, Input: large, Copied: "tokenizer.json"},
		{Name: "generate", Args: []string{"generate", "IN", "-o", "OUT", "--no-cuda"}, Input: large},
		{Name: "generate again", Args: []string{"generate", "IN", "-o", "OUT", "--no-cuda"}, Input: large,
			Before: made("out", "generate", small, "--no-cuda")},
		{Name: "inspect --plot", Args: []string{"inspect", "IN", "--plot", "OUT"}, Input: large, Out: "out.png"},
	}
}

// However a command is killed, its output is there whole or not at all, and the next run makes good. With -kills
// and -seed it does more, or the same again.
func TestKill(t *testing.T) {
	cfg, commands := tortured(t, 8)
	for i, c := range commands {
		n := (*kills + i) / len(commands)
		t.Run(c.Name, func(t *testing.T) {
			count, err := torture.Kill(t.Context(), cfg, c, n)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d kills: %d early, %d midway, %d late; %d runs ended before", count.Kills, count.Early, count.Midway, count.Late, count.Ended)
			for _, p := range count.Problems {
				t.Error(p)
			}
		})
	}
}

// Whatever is denied to a command, it says so, and leaves nothing.
func TestFaults(t *testing.T) {
	cfg, commands := tortured(t, 1)
	for _, c := range commands {
		if c.Name == "generate" || c.Again != nil {
			continue // no other than "generate again" and "compress", here
		}
		t.Run(c.Name, func(t *testing.T) {
			counts, err := torture.Faults(t.Context(), cfg, c, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, count := range counts {
				if count.Skipped != "" {
					t.Logf("%s: %s", count.Fault, count.Skipped)
				}
				for _, p := range count.Problems {
					t.Error(p)
				}
			}
		})
	}
}
