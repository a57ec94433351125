//go:build linux

package main

import (
	"context"
	"fmt"
	"log"

	"github.com/seed54244801/bespoke/internal/torture"
)

var faultsChapter = chapter{"faults", "What is denied", faultsText, "", faultsSection}

const faultsText = `The same commands run where something is denied to them: a disk that is full, at a random moment, a file that must not grow, a file system that
cannot be written to, permissions, a pipe, a device or a folder in place of a file that they read, a file that cannot be read, a standard output that is
full. Each run must end with exit code 1 and one line that says what was wrong, change nothing that was there and leave nothing behind.`

// faultsSection denies things to commands.
func faultsSection(ctx context.Context, o *options) (section, error) {
	s := section{Command: fmt.Sprintf("go run ./scripts/reliability -only faults -seed %d", o.seed)}
	t := table{Header: []string{"what", "commands", "runs", "bad"}}
	type sum struct{ commands, runs, bad int }
	var names []string
	sums := map[string]*sum{}
	err := tortured(ctx, o.seed, 1, func(cfg torture.Config, commands []torture.Command) error {
		for _, c := range commands {
			log.Printf("faults: %s", c.Name)
			counts, err := torture.Faults(ctx, cfg, c, 20)
			if err != nil {
				return err
			}
			for _, n := range counts {
				if sums[n.Fault] == nil {
					names, sums[n.Fault] = append(names, n.Fault), &sum{}
				}
				if n.Skipped != "" {
					log.Printf("faults: %s, %s: %s", c.Name, n.Fault, n.Skipped)
					continue
				}
				x := sums[n.Fault]
				x.commands, x.runs, x.bad = x.commands+1, x.runs+n.Runs, x.bad+n.Bad
				s.Bad += n.Bad
				s.Faults = append(s.Faults, n.Problems...)
			}
		}
		return nil
	})
	for _, name := range names {
		x := sums[name]
		t.Rows = append(t.Rows, []string{name, count(x.commands), count(x.runs), zero(x.bad)})
	}
	s.Tables = []table{t}
	return s, err
}
