package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

type options struct {
	sample, jobs int
	seed         uint64
	match        *regexp.Regexp
	log          *log.Logger // of the survivors
}

// count sums up the mutants of a package.
type count struct{ mutants, killed, survived int }

// lines are the lines of a block of code, from first to last.
type lines struct{ first, last int }

// A subject is a package whose tests pass.
type subject struct {
	Dir        string
	ImportPath string
	GoFiles    []string

	took time.Duration      // on all processors together
	idle map[string][]lines // lines that no test runs, by file name
}

// try tries mutants of a package and prints the survivors.
func try(ctx context.Context, pkg string, o *options) (count, error) {
	s, err := newSubject(ctx, pkg)
	if err != nil {
		return count{}, err
	}
	all, err := s.mutants(o.match)
	if err != nil {
		return count{}, err
	}
	c := count{mutants: len(all)}
	r := rand.New(rand.NewPCG(o.seed, 0))
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	if o.sample > 0 {
		all = all[:min(o.sample, len(all))]
	}
	o.log.Printf("%s: %d of %d mutants, seed %d, %v each", pkg, len(all), c.mutants, o.seed, s.took)
	verdicts := make([]verdict, len(all))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(o.jobs)
	for i := range all {
		group.Go(func() (err error) {
			if verdicts[i], err = s.test(ctx, &all[i]); err == nil && verdicts[i] == survived {
				o.log.Print(&all[i])
			}
			return err
		})
	}
	err = group.Wait()
	for _, v := range verdicts {
		switch v {
		case killed:
			c.killed++
		case survived:
			c.survived++
		}
	}
	return c, err
}

// newSubject runs the unchanged tests of a package once, to see which lines they run and how long they take.
func newSubject(ctx context.Context, pkg string) (*subject, error) {
	text, err := exec.CommandContext(ctx, "go", "list", "-json=Dir,ImportPath,GoFiles", pkg).Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w", pkg, err)
	}
	s := &subject{idle: map[string][]lines{}}
	if err := json.Unmarshal(text, s); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	profile := filepath.Join(dir, "cover")
	for _, run := range []*exec.Cmd{s.run(ctx, time.Hour, "-coverprofile", profile), s.run(ctx, time.Hour)} {
		if text, err := run.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("the tests of %s fail as they are: %w\n%s", pkg, err, text)
		}
		s.took = (run.ProcessState.UserTime() + run.ProcessState.SystemTime()).Round(time.Second)
	}
	text, err = os.ReadFile(profile)
	if err != nil {
		return nil, err
	}
	for _, m := range block.FindAllSubmatch(text, -1) {
		var l lines
		fmt.Sscan(string(m[2])+" "+string(m[3]), &l.first, &l.last)
		s.idle[string(m[1])] = append(s.idle[string(m[1])], l)
	}
	return s, nil
}

// block matches a line of a coverage profile: a block that no test runs.
var block = regexp.MustCompile(`(?m)/([^/]+):(\d+)\.\d+,(\d+)\.\d+ \d+ 0$`)

// mutants returns the mutants of all files that match, without those of code that no test runs.
func (s *subject) mutants(match *regexp.Regexp) ([]mutant, error) {
	var all []mutant
	for _, name := range s.GoFiles {
		path := filepath.Join(s.Dir, name)
		source, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		list, err := mutate(name, source)
		if err != nil {
			return nil, err
		}
		all = append(all, slices.DeleteFunc(list, func(m mutant) bool { return s.untested(&m) || !match.MatchString(m.String()) })...)
	}
	return all, nil
}

// untested reports whether a mutant lies in a block that no test runs.
func (s *subject) untested(m *mutant) bool {
	return slices.ContainsFunc(s.idle[m.file], func(l lines) bool { return l.first < m.line && m.line < l.last })
}

// A verdict says what became of a mutant.
type verdict int

const (
	broken   verdict = iota // it does not compile
	killed                  // a test fails, or takes too long
	survived                // all tests pass
)

// memory bounds the address space of tests, because a mutant may fill it. The race detector needs more.
const memory = 6 << 30

// run returns a command that runs the tests, for at most the given time on all processors together.
func (s *subject) run(ctx context.Context, limit time.Duration, args ...string) *exec.Cmd {
	args = append([]string{"test", "-count=1", "-failfast", "-vet=off", "-timeout", (20 * limit).String(),
		"-exec", fmt.Sprintf("prlimit --as=%d --cpu=%d", memory, int(limit.Seconds()))}, args...)
	cmd := exec.CommandContext(ctx, "go", append(args, s.ImportPath)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // this ends the tests, too
	return cmd
}

// test runs the tests of the package with a mutant in place of its file.
func (s *subject) test(ctx context.Context, m *mutant) (verdict, error) {
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(s.Dir, m.file)
	source, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	changed, overlay := filepath.Join(dir, m.file), filepath.Join(dir, "overlay.json")
	text, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	if err != nil {
		return 0, err
	}
	if err := errors.Join(os.WriteFile(changed, m.apply(source), 0o666), os.WriteFile(overlay, text, 0o666)); err != nil {
		return 0, err
	}
	cmd := s.run(ctx, 3*s.took+10*time.Second, "-overlay", overlay)
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	output, err := cmd.CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case err == nil:
		return survived, nil
	case bytes.Contains(output, []byte("[build failed]")):
		return broken, nil
	}
	return killed, nil
}
