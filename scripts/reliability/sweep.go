//go:build linux

package main

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/seed54244801/bespoke/internal/torture"
)

var sweepChapter = chapter{"sweep", "Sweep: every damage to small containers", sweepText, sweepBelow, sweepSection}

// sweepSection damages small containers in every way.
func sweepSection(ctx context.Context, o *options) (section, error) {
	command := fmt.Sprintf("go run ./scripts/reliability -only sweep -seed %d", o.seed)
	if o.sample > 0 {
		command += fmt.Sprintf(" -sample %d", o.sample)
	}
	r, err := torture.Sweep(ctx, torture.SweepOptions{Seed: o.seed, Sample: o.sample, Progress: func(row torture.SweepRow) {
		log.Printf("sweep: %s: %s: %d cases, %d bad", row.Container, row.Damage, row.Cases, row.Bad())
	}})
	if err != nil {
		return section{}, err
	}
	return section{
		Command: command,
		Bad:     r.Bad(),
		Faults:  r.Faults,
		Tables: []table{
			sweepTable("By damage, of containers with sums:", "damage", r.Rows, true, func(r *torture.SweepRow) string { return r.Damage }),
			sweepTable("By container:", "container", r.Rows, true, func(r *torture.SweepRow) string { return r.Container }),
			sweepTable("For comparison, containers as the published encoder makes them, without sums in their files:", "container and damage",
				r.Rows, false, func(r *torture.SweepRow) string {
					return strings.TrimPrefix(r.Container, "published, a file a unit, ") + ": " + r.Damage
				}),
		},
	}, nil
}

// sweepTable sums up the rows that have the same name.
func sweepTable(title, name string, rows []torture.SweepRow, own bool, by func(*torture.SweepRow) string) table {
	sums := map[string]*torture.SweepRow{}
	var names []string
	total := &torture.SweepRow{}
	for i := range rows {
		r := &rows[i]
		if r.Own != own || r.Cases == 0 {
			continue
		}
		key := by(r)
		if sums[key] == nil {
			sums[key] = &torture.SweepRow{}
			names = append(names, key)
		}
		sums[key].Add(r)
		total.Add(r)
	}
	t := table{Title: title, Header: []string{name, "cases", "error", "same files", "as it says", "unnoticed", "wrong", "panic", "left behind", "over memory",
		"found by `verify`", "missed"}}
	if own { // they have no unnoticed ones
		t.Header = append(t.Header[:5:5], t.Header[6:]...)
	}
	row := func(name string, r *torture.SweepRow) {
		cells := []string{name, count(r.Cases), count(r.Errors), count(r.Same), count(r.Said), count(r.Unnoticed),
			zero(r.Wrong), zero(r.Panics), zero(r.Left), zero(r.Over), count(r.Found), zero(r.Missed)}
		if own {
			cells = append(cells[:5:5], cells[6:]...)
		}
		t.Rows = append(t.Rows, cells)
	}
	for _, name := range names {
		row(name, sums[name])
	}
	row("all", total)
	return t
}

const sweepText = `A model of two units, uncoded tensors, an index of its shards, a ` + "`config.json`" + ` and two more files is compressed in every
way: with both indices and each alone, a file a unit and in one file, with its sidecar and without. Each container, of some 25 KB,
is then damaged in one place, decompressed, and checked by ` + "`bespoke verify DF11`" + `, for every case that there is:

- **a bit flipped:** every bit of every file. **cut short:** every file to every length. **bytes added**, **a block of zeros** of 16, 512
  and 4,096 bytes, **a file removed**, alone and with another one, **files swapped**.
- **tensors swapped:** any two of the same shape, as they are, and with the sums of what is stored made right. **from another model:** every
  file and every tensor out of a container of the same shapes with other weights. **duplicated:** every file under another name, every
  tensor in another file.
- **a JSON value:** every value of the sidecar, of ` + "`config.json`" + `, of the headers of safetensors files and of the JSON texts within the sidecar
  is replaced by each of 25 others (null, -1, 0.5, 2^63, 1e400, NaN, ` + "`\"../x\"`, `\".git/config\"`" + `, bytes that are not UTF-8, 64 KB of text, 20,000
  levels of nesting and so on) and by its neighbours, left out and doubled; then all of it once more with the sums made
  right, so that what is tested is the code behind the sums.

A case must end in an error that leaves nothing behind, or in the very same files: names, bytes and permissions. It may take four times the
memory of the sound container, and 200 bytes for each byte that was added.`

const sweepBelow = `- **Same files** are changes of what is not needed: with the sidecar ` + "`config.json`" + ` is, and without a GPU most of an index. ` + "`verify`" + ` finds
  them all the same.
- **As it says** are those in which the container was made to say something else, sums and all, or has no sidecar any more:
  another name of a file, other permissions, a file fewer, another ` + "`config.json`" + `; or the weights in one file, with a word that the original files are not known. The weights
  are the same in all of them.
- **Unnoticed** are other files without an error. Only a container without sums has them; with its sidecar it has none.
- **Missed** are changes that ` + "`verify`" + ` does not find, but for those whose sums were made right, for two safetensors files that swap their names,
  which mean nothing, and for a lost sidecar.
- Every day the tests try a sample of the cases with another seed, which they print: ` + "`go test ./internal/torture -seed N`" + ` repeats it.`
