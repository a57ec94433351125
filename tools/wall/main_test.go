//go:build linux

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/model"
)

// TestLlama makes a small model that every command accepts.
func TestLlama(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "llama")
	if err := makeLlama(dir, 0); err != nil {
		t.Fatal(err)
	}
	c, err := model.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	partition, err := model.NewPartition(c, model.PartitionOptions{})
	if err != nil || len(partition.Units) != 2 || len(partition.Raw) != 1 {
		t.Errorf("%+v, %v", partition, err)
	}
}

// TestRun runs each command in every round, with a script for bespoke that copies and refuses to overwrite.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	bespoke, source := filepath.Join(dir, "bespoke"), filepath.Join(dir, "model")
	script := "#!/bin/sh\ntest ! -e \"$5\" && cp -r \"$3\" \"$5\"\n"
	if err := errors.Join(os.WriteFile(bespoke, []byte(script), 0o777), os.WriteFile(source, []byte("weights"), 0o666)); err != nil {
		t.Fatal(err)
	}
	r, err := run(t.Context(), bespoke, source, 2)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, row := range r.Runs {
		names = append(names, row.Name)
		if len(row.AllSeconds) != 2 || row.CopyRatio <= 0 {
			t.Errorf("%+v, want two runs", row)
		}
	}
	if got := strings.Join(names, "; "); got != "cp; compress, rans; decompress, rans; compress, df11; decompress, df11" {
		t.Errorf("ran %s", got)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "wall-*")); err != nil || len(left) > 0 {
		t.Errorf("left %v, error %v", left, err)
	}
}

func TestTimed(t *testing.T) {
	s, err := timed(t.Context(), []string{"sleep", "0.05"})
	if err != nil || s.seconds < 0.05 || s.resident == 0 || s.anonymous == 0 {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := timed(t.Context(), []string{"false"}); err == nil {
		t.Error("a command that fails gives no error")
	}
}

func TestPrint(t *testing.T) {
	copies := []sample{{seconds: 2}, {seconds: 1}}
	r := result{Model: "m", ModelBytes: 3 << 30, Processors: 2, Rounds: 2, Runs: []row{
		sumUp("compress", []sample{{seconds: 4, cpu: 6, anonymous: 5 << 20}, {seconds: 3, cpu: 6, resident: 9 << 20}}, copies),
	}}
	var out strings.Builder
	if err := r.print(&out); err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(out.String()[strings.Index(out.String(), "compress"):])
	if got := strings.Join(fields, " "); got != "compress 3.50 3.25–3.75 6.00 2.50 5 9" {
		t.Errorf("%s", out.String())
	}
}
