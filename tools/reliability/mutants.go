//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
)

// mutated are the packages that everything else is built on.
var mutated = []string{"./codebook", "./encode", "./runtime", "./runtime/internal/coded", "./runtime/internal/cpu", "./model", "./checkpoint"}

var mutantRow = regexp.MustCompile(`(?m)^\| (\S+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| \d+ \|$`)

// mutantsSection changes packages.
func mutantsSection(ctx context.Context, o *options) (section, error) {
	args := append([]string{"run", "./tools/mutate", "-n", strconv.Itoa(o.mutants), "-seed", strconv.FormatUint(o.seed, 10)}, mutated...)
	var out bytes.Buffer
	cmd := program(ctx, "go", args...)
	cmd.Stdout = io.MultiWriter(&out, os.Stderr)
	if err := cmd.Run(); err != nil {
		return section{}, err
	}
	t := table{Header: []string{"package", "mutants", "tried", "killed", "survived"}}
	for _, m := range mutantRow.FindAllStringSubmatch(out.String(), -1) {
		row := []string{"`" + m[1] + "`"}
		for _, figure := range m[2:] {
			n, _ := strconv.Atoi(figure) // digits
			row = append(row, count(n))
		}
		t.Rows = append(t.Rows, row)
	}
	return section{Command: fmt.Sprintf("go run ./tools/reliability -only mutants -seed %d -mutants %d", o.seed, o.mutants), Tables: []table{t}}, nil
}
