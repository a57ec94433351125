//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strconv"
)

var loadLine = regexp.MustCompile(`(\d+) calls of (\d+) models, (\d+) at a time: at most (\d+) goroutines and (\d+) KiB after a round, (\d+) and (\d+) after the first`)

// loadSection calls models from many goroutines at once under the race detector.
func loadSection(ctx context.Context, o *options) (section, error) {
	s := section{Command: fmt.Sprintf("go test -race -count=1 -run '^TestLoad$' -v ./runtime -load %v", o.load), Where: where()}
	var out bytes.Buffer
	cmd := program(ctx, "go", "test", "-race", "-count=1", "-run", "^TestLoad$", "-v", "-timeout", (2 * o.load).String(), "./runtime", "-load", o.load.String())
	cmd.Stdout = &out
	err := cmd.Run()
	if err := ctx.Err(); err != nil {
		return section{}, err
	}
	m := loadLine.FindStringSubmatch(out.String())
	if err != nil || m == nil {
		s.Bad, s.Faults = 1, []string{out.String()}
		return s, nil
	}
	row := []string{"all"}
	for _, figure := range []string{m[2], m[1], m[3]} {
		n, _ := strconv.Atoi(figure) // digits
		row = append(row, count(n))
	}
	s.Tables = []table{{
		Header: []string{"models", "number", "calls", "at a time", "wrong", "goroutines left", "at most", "KiB in use", "at most"},
		Rows:   [][]string{append(row, zero(0), m[6], m[4], m[7], m[5])},
	}}
	return s, nil
}
