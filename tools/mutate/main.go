// Command mutate looks for code that no test checks. It changes a package in one small way at a time and runs the
// package's tests, which must fail.
//
//	go run ./tools/mutate [-n 200] [-seed 1] [-match REGEXP] [-j 1] ./codebook [PACKAGE ...]
//
// It changes the bounds and the sense of comparisons, other operators, conditions, constants by one, min and max,
// true and false, break and continue; and it leaves out statements. It takes a sample of n mutants of a package,
// or all if n is 0, of lines that some test runs. It prints the mutants that survive: places for a test, or for a
// second look at code that seems to do nothing. Many of them are equivalent: a bound that is never met, an earlier
// way out of a loop. The sources are not changed: the go command overlays them.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"
)

func main() {
	o := options{log: log.New(os.Stdout, "", 0)}
	flag.IntVar(&o.sample, "n", 200, "how many mutants of a package to try, all if 0")
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().Unix()/86400), "which ones; those of the day if not given")
	flag.IntVar(&o.jobs, "j", 1, "how many to try at a time")
	match := flag.String("match", "", "only mutants whose lines, as they are printed, match this `REGEXP`")
	flag.Parse()
	var err error
	if o.match, err = regexp.Compile(*match); err != nil || flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var table strings.Builder
	var failed error
	for _, pkg := range flag.Args() {
		c, err := try(ctx, pkg, &o)
		fmt.Fprintf(&table, "| %s | %d | %d | %d | %d | %d |\n", pkg, c.mutants, c.killed+c.survived, c.killed, c.survived, o.seed)
		if failed = err; err != nil {
			break
		}
	}
	fmt.Printf("\n| package | mutants | tried | killed | survived | seed |\n|---|---:|---:|---:|---:|---:|\n%s", &table)
	if failed != nil {
		fmt.Fprintln(os.Stderr, "mutate:", failed)
		os.Exit(1)
	}
}
