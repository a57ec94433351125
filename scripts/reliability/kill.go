//go:build linux

package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/seed54244801/bespoke/internal/torture"
)

func init() { chapters = append(chapters, killChapter, faultsChapter) }

var (
	killChapter   = chapter{"kill", "Killed at random moments", killText, "", killSection}
	faultsChapter = chapter{"faults", "Denied what it needs", faultsText, "", faultsSection}
)

const (
	killText = `Commands that write something, ended by SIGKILL at random moments on a model of some ten MiB. *Early* left nothing,
*midway* something beside the output's place, *late* the whole output. Then must hold: the output is whole or not there; the
next run, half of the time after further kills, ends with the very files of a run that nobody killed, and nothing is left
beside them. ` + "`compress --resume`" + ` goes on from what the killed run had finished.`

	faultsText = `The same commands where the disk is full, a file is too large, a folder cannot be written, a pipe or a device is in the place
of a file, or nobody reads what they print. Each must end with exit code 1 and one line that says why, change nothing
that was there and leave nothing.`
)

// tortured builds bespoke and prepares its commands.
func tortured(ctx context.Context, seed uint64, layers int, run func(torture.Config, []torture.Command) error) error {
	scratch, err := os.MkdirTemp("", "reliability-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	place := filepath.Join(scratch, "place")
	for _, dir := range []string{scratch, place} { // another user works in them, too
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := os.Chmod(dir, 0o755); err != nil {
			return err
		}
	}
	bespoke := filepath.Join(scratch, "bespoke")
	if said, err := exec.CommandContext(ctx, "go", "build", "-o", bespoke, "./cmd/bespoke").CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, said)
	}
	cfg := torture.Config{Bespoke: bespoke, Dir: place, Seed: seed, Env: append(os.Environ(), "BESPOKE_LIBCUDA=none")}
	from := torture.Sources{Trained: "testdata/shakespeare-llama", Small: "model/testdata/tiny-llama/bf16", Layers: layers}
	commands, err := torture.Commands(ctx, cfg, from, scratch)
	if err != nil {
		return err
	}
	return run(cfg, commands)
}

// killSection kills every command.
func killSection(ctx context.Context, o *options) (section, error) {
	s := section{Command: fmt.Sprintf("go run ./scripts/reliability -only kill -kills %d -seed %d", o.kills, o.seed), Where: where()}
	t := table{Header: []string{"command", "kills", "early", "midway", "late", "half-written", "left behind after the next run", "next run wrong"}}
	err := tortured(ctx, o.seed, 8, func(cfg torture.Config, commands []torture.Command) error {
		total := torture.KillCount{Command: "all"}
		for i, c := range commands {
			n, err := torture.Kill(ctx, cfg, c, (o.kills+i)/len(commands))
			if err != nil {
				return err
			}
			log.Printf("kill: %s: %d kills, %d bad", c.Name, n.Kills, len(n.Problems))
			t.Rows = append(t.Rows, killRow("`"+c.Name+"`", n))
			s.Faults = append(s.Faults, n.Problems...)
			total.Kills, total.Early, total.Midway, total.Late = total.Kills+n.Kills, total.Early+n.Early, total.Midway+n.Midway, total.Late+n.Late
			total.Half, total.Left, total.Wrong = total.Half+n.Half, total.Left+n.Left, total.Wrong+n.Wrong
		}
		t.Rows = append(t.Rows, killRow("all", &total))
		return nil
	})
	s.Tables, s.Bad = []table{t}, len(s.Faults)
	return s, err
}

func killRow(name string, n *torture.KillCount) []string {
	return []string{name, count(n.Kills), count(n.Early), count(n.Midway), count(n.Late), zero(n.Half), zero(n.Left), zero(n.Wrong)}
}

// faultsSection denies every command one thing after the other.
func faultsSection(ctx context.Context, o *options) (section, error) {
	s := section{Command: fmt.Sprintf("go run ./scripts/reliability -only faults -seed %d", o.seed)}
	t := table{Header: []string{"what is denied", "runs", "not as it must be"}}
	err := tortured(ctx, o.seed, 1, func(cfg torture.Config, commands []torture.Command) error {
		sums := map[string]*torture.FaultCount{}
		var names []string
		for _, c := range commands {
			if c.Again != nil {
				continue // that of compress, here
			}
			counts, err := torture.Faults(ctx, cfg, c, 4)
			if err != nil {
				return err
			}
			for _, n := range counts {
				if sums[n.Fault] == nil {
					sums[n.Fault] = &torture.FaultCount{}
					names = append(names, n.Fault)
				}
				sums[n.Fault].Runs, sums[n.Fault].Bad = sums[n.Fault].Runs+n.Runs, sums[n.Fault].Bad+n.Bad
				s.Bad, s.Faults = s.Bad+n.Bad, append(s.Faults, n.Problems...)
			}
			log.Printf("faults: %s: %d bad so far", c.Name, s.Bad)
		}
		for _, name := range names {
			t.Rows = append(t.Rows, []string{name, count(sums[name].Runs), zero(sums[name].Bad)})
		}
		return nil
	})
	s.Tables = []table{t}
	return s, err
}
