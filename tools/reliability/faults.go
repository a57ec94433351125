//go:build linux

package main

import (
	"context"
	"fmt"
	"log"

	"github.com/seed54244801/bespoke/internal/torture"
)

// faultsSection denies things to commands.
func faultsSection(ctx context.Context, o *options) (section, error) {
	s := section{Command: fmt.Sprintf("go run ./tools/reliability -only faults -seed %d", o.seed)}
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
