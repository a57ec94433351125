//go:build linux

// Command reliability breaks things in every known way, counts the results and writes docs/RELIABILITY.md. Run it
// as make reliability.
//
//	go run ./tools/reliability [-only NAME,…] [-seed N] [-sample N] [-sample-others N] [-kills N] [-load D] [-mutants N] [-fuzztime D]
//
// With -only, only some sections are made anew. The others are taken from docs/reliability.json, where each run
// leaves its figures. With -only none the page is written from that file alone. The command fails if a count that
// must be 0 is not 0.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

// options are those of a run.
type options struct {
	seed     uint64
	sample   int
	others   int
	load     time.Duration
	kills    int
	mutants  int
	fuzztime time.Duration
}

// A chapter makes a section. The text around its figures is in text/NAME.md.
type chapter struct {
	name string // for -only
	run  func(ctx context.Context, o *options) (section, error)
}

// chapters lists the sections in the order of the page.
var chapters = []chapter{
	{"sweep", sweepSection},
	{"differential", differentialSection},
	{"kill", killSection},
	{"faults", faultsSection},
	{"load", loadSection},
	{"mutants", mutantsSection},
	{"fuzz", fuzzSection},
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("reliability: ")
	var o options
	only := flag.String("only", "", "the sections to make anew, with commas between them; all without it")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of what is drawn by chance")
	flag.IntVar(&o.sample, "sample", 0, "cases of each kind to try; 0 for all")
	flag.IntVar(&o.others, "sample-others", 0, "the same for containers in one file, and for those without sums")
	flag.IntVar(&o.kills, "kills", 300, "kills of all commands together")
	flag.DurationVar(&o.load, "load", 5*time.Minute, "time under load")
	flag.IntVar(&o.mutants, "mutants", 200, "mutants of each package")
	flag.DurationVar(&o.fuzztime, "fuzztime", 2*time.Minute, "time for each fuzz target")
	page := flag.String("o", "docs/RELIABILITY.md", "page to write")
	data := flag.String("data", "docs/reliability.json", "figures of all sections")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, &o, *only, *page, *data); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, o *options, only, page, data string) error {
	wanted, err := wantedChapters(only)
	if err != nil {
		return err
	}
	sections, err := readSections(data)
	if err != nil {
		return err
	}
	var bad []string
	for _, c := range wanted {
		log.Printf("%s", c.name)
		s, err := c.run(ctx, o)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		s.Name = c.name
		sections[c.name] = &s
		if s.Bad > 0 {
			bad = append(bad, fmt.Sprintf("%s: %d that must be 0: %s", c.name, s.Bad, strings.Join(s.Faults, "\n")))
		}
		// The page is written after each section, because some sections take hours.
		if err := errors.Join(sections.writeJSON(data), sections.writePage(page)); err != nil {
			return err
		}
	}
	if len(bad) > 0 {
		return errors.New(strings.Join(bad, "\n"))
	}
	return sections.writePage(page)
}

// wantedChapters returns the chapters that -only names.
func wantedChapters(only string) ([]chapter, error) {
	switch only {
	case "":
		return chapters, nil
	case "none":
		return nil, nil
	}
	var list []chapter
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(chapters, func(c chapter) bool { return c.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no section %q", name)
		}
		list = append(list, chapters[i])
	}
	return list, nil
}
