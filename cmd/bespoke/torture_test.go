//go:build linux

package main

import (
	"cmp"
	"flag"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/seed54244801/bespoke/internal/testenv"
	"github.com/seed54244801/bespoke/internal/torture"
)

var (
	kills = flag.Int("kills", 0, "how often TestKill kills all commands together; 0 for 20, or for once each in short")
	seed  = flag.Uint64("seed", 0, "decides over the moments of TestKill and the limits of TestFaults; 0 for a new one")
)

// tortured returns the commands that write something, and where to run them.
func tortured(t *testing.T, times int) (torture.Config, []torture.Command) {
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
	run := command(t)
	cfg := torture.Config{Bespoke: run.Path, Dir: dir, Env: run.Env, Seed: *seed}
	commands, err := cfg.Commands(t.Context(), "../..", t.TempDir(), times)
	if err != nil {
		t.Fatal(err)
	}
	return cfg, commands
}

// However a command is killed, its output is there whole or not at all, and the next run makes good. With -kills
// and -seed it does more, or the same again.
func TestKill(t *testing.T) {
	cfg, commands := tortured(t, testenv.Pick(3, 8))
	all := cmp.Or(*kills, testenv.Pick(len(commands), 20))
	for i, c := range commands {
		n := (all + i) / len(commands)
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
			counts, err := torture.Faults(t.Context(), cfg, c, testenv.Pick(1, 2))
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
