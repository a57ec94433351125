//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/seed54244801/bespoke/internal/torture"
)

// killSection kills commands.
func killSection(ctx context.Context, o *options) (section, error) {
	s := section{Command: fmt.Sprintf("go run ./tools/reliability -only kill -seed %d -kills %d", o.seed, o.kills), Where: where()}
	t := table{Header: []string{"command", "kills", "early", "midway", "late", "half", "left", "wrong"}}
	err := tortured(ctx, o.seed, 8, func(cfg torture.Config, commands []torture.Command) error {
		var sum torture.KillCount
		row := func(name string, c *torture.KillCount) {
			t.Rows = append(t.Rows, []string{name, count(c.Kills), count(c.Early), count(c.Midway), count(c.Late), zero(c.Half), zero(c.Left), zero(c.Wrong)})
		}
		for i, c := range commands {
			log.Printf("kill: %s", c.Name)
			k, err := torture.Kill(ctx, cfg, c, (o.kills+i)/len(commands))
			if err != nil {
				return err
			}
			row("`"+c.Name+"`", k)
			sum.Kills, sum.Early, sum.Midway, sum.Late = sum.Kills+k.Kills, sum.Early+k.Early, sum.Midway+k.Midway, sum.Late+k.Late
			sum.Half, sum.Left, sum.Wrong = sum.Half+k.Half, sum.Left+k.Left, sum.Wrong+k.Wrong
			s.Faults = append(s.Faults, k.Problems...)
		}
		row("all", &sum)
		s.Bad = sum.Half + sum.Left + sum.Wrong
		return nil
	})
	s.Tables = []table{t}
	return s, err
}

// tortured builds the command and its input, in folders that are removed afterwards.
func tortured(ctx context.Context, seed uint64, times int, do func(torture.Config, []torture.Command) error) (err error) {
	dir, err := os.MkdirTemp("", "reliability-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	work := filepath.Join(dir, "work")
	// Another user works in the folder, too.
	if err := errors.Join(os.Chmod(dir, 0o755), os.Mkdir(work, 0o755)); err != nil {
		return err
	}
	bespoke := filepath.Join(dir, "bespoke")
	if err := program(ctx, "go", "build", "-o", bespoke, "./cmd/bespoke").Run(); err != nil {
		return fmt.Errorf("go build: %w", err)
	}
	cfg := torture.Config{Bespoke: bespoke, Dir: work, Seed: seed}
	commands, err := cfg.Commands(ctx, ".", dir, times)
	if err != nil {
		return err
	}
	return do(cfg, commands)
}
