//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// fuzzSection runs all fuzz targets. It ends with the first one that fails.
func fuzzSection(ctx context.Context, o *options) (section, error) {
	cmd := program(ctx, "./scripts/fuzz.sh", o.fuzztime.String())
	out, err := cmd.StdoutPipe()
	if err != nil {
		return section{}, err
	}
	if err := cmd.Start(); err != nil {
		return section{}, err
	}
	targets, last, err := readFuzz(out)
	if err != nil {
		return section{}, err
	}
	s := section{
		Command: fmt.Sprintf("go run ./tools/reliability -only fuzz -fuzztime %v", o.fuzztime),
		Where:   where(),
	}
	if err := cmd.Wait(); err != nil {
		if err := ctx.Err(); err != nil {
			return section{}, err
		}
		s.Bad, s.Faults = 1, last
		targets[len(targets)-1].failed = 1
	}
	t := table{Header: []string{"target", "inputs tried", "kept for what they reach", "failed"}}
	total := fuzzTarget{name: "all"}
	for _, x := range targets {
		total.tried, total.kept, total.failed = total.tried+x.tried, total.kept+x.kept, total.failed+x.failed
	}
	for _, x := range append(targets, total) {
		t.Rows = append(t.Rows, []string{x.name, count(x.tried), count(x.kept), zero(x.failed)})
	}
	s.Tables = []table{t}
	return s, nil
}

// A fuzzTarget is the result of one target.
type fuzzTarget struct {
	name                string
	tried, kept, failed int
}

var (
	fuzzStart    = regexp.MustCompile(`^(\S+/\S+) (Fuzz\w+)$`)
	fuzzProgress = regexp.MustCompile(`^fuzz: elapsed: .*, execs: (\d+) .*\(total: (\d+)\)$`)
)

// readFuzz reads the output of fuzz.sh. It also returns the last lines of the output.
func readFuzz(r io.Reader) (targets []fuzzTarget, last []string, err error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		if last = append(last, line); len(last) > 40 {
			last = last[1:]
		}
		if m := fuzzStart.FindStringSubmatch(line); m != nil {
			log.Print("fuzz: ", line)
			targets = append(targets, fuzzTarget{name: "`" + path.Base(m[1]) + "." + m[2] + "`"})
		}
		if m := fuzzProgress.FindStringSubmatch(strings.TrimSpace(line)); m != nil && len(targets) > 0 {
			x := &targets[len(targets)-1]
			x.tried, _ = strconv.Atoi(m[1]) // digits
			x.kept, _ = strconv.Atoi(m[2])
		}
	}
	if len(targets) == 0 && lines.Err() == nil {
		return nil, nil, fmt.Errorf("no fuzz targets")
	}
	return targets, last, lines.Err()
}
