package torture

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	goruntime "runtime"
	"runtime/debug"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// SweepOptions are the options of [Sweep].
type SweepOptions struct {
	// Seed chooses the weights, and the cases if not all are tried.
	Seed uint64
	// Sample is about how many cases to try of each damage to each container, or 0 for all. SampleOthers is the
	// same for containers in one file, and for those without sums.
	Sample, SampleOthers int
	// Folder is where the containers are kept; "" means a folder in memory, if the system has one. If the process
	// dies, the files in it are those of the case that killed it.
	Folder string
	// Workers is the number of cases that are tried at a time; 0 means as many as there are processors.
	Workers int
	// Progress is called with each row when it is done; nil for none.
	Progress func(SweepRow)
}

// A SweepRow counts the results of damaging one container in one way.
type SweepRow struct {
	Container string `json:"container"`
	// Own says that the container has sums: it was not made to be the same as that of the published encoder.
	Own    bool   `json:"own"`
	Damage string `json:"damage"`
	Cases  int    `json:"cases"`
	// Errors counts the cases that ended in an error, Same those that ended in the very same files. Said counts
	// the cases in which the container was made to say something else, sums and all, and gave that, with the same
	// weights: another name of a file, other permissions, a file fewer, another config.json, or that there is no
	// sidecar. Unnoticed counts other files from a container that has no sums. Wrong counts all other cases, and
	// must be 0.
	Errors    int `json:"errors"`
	Same      int `json:"same_files"`
	Said      int `json:"as_it_says"`
	Unnoticed int `json:"unnoticed"`
	Wrong     int `json:"wrong"`
	// Panics, Left and Over count the cases with a panic, with something left beside the output, and with more
	// memory than in proportion. All must be 0.
	Panics int `json:"panics"`
	Left   int `json:"left_behind"`
	Over   int `json:"over_memory"`
	// Found counts the cases in which Check reports damage or fails. Missed counts the cases that Check had to
	// find and did not, although it had sums to compare with. It must be 0.
	Found  int `json:"check_found"`
	Missed int `json:"check_missed"`
}

// Bad returns the sum of the counts that must be 0.
func (r *SweepRow) Bad() int { return r.Wrong + r.Panics + r.Left + r.Over + r.Missed }

// Add adds the counts of another row.
func (r *SweepRow) Add(other *SweepRow) {
	for _, n := range []struct{ to, from *int }{
		{&r.Cases, &other.Cases}, {&r.Errors, &other.Errors}, {&r.Same, &other.Same}, {&r.Said, &other.Said},
		{&r.Unnoticed, &other.Unnoticed}, {&r.Wrong, &other.Wrong}, {&r.Panics, &other.Panics}, {&r.Left, &other.Left},
		{&r.Over, &other.Over}, {&r.Found, &other.Found}, {&r.Missed, &other.Missed},
	} {
		*n.to += *n.from
	}
}

// A SweepReport is the result of [Sweep].
type SweepReport struct {
	Seed   uint64     `json:"seed"`
	Sample int        `json:"sample"`
	Rows   []SweepRow `json:"rows"`
	// Faults describes the first cases that count as bad.
	Faults []string `json:"faults"`
}

// sweepMemory is the number of bytes that the process may take before it collects garbage.
const sweepMemory = 1 << 30

// maxFaults bounds the faults that are described.
const maxFaults = 50

// Bad returns the sum of the counts that must be 0, over all rows.
func (r *SweepReport) Bad() (n int) {
	for i := range r.Rows {
		n += r.Rows[i].Bad()
	}
	return n
}

// Sweep makes small containers of every kind, and damages each of them in every way or in a sample of these. It
// looks at the results of Decompress and Check. They must be an error, or the very same files as before, in memory
// bounded by that for the sound container. The error of Sweep says that it could not do this, or that its context
// ended.
func Sweep(ctx context.Context, opts SweepOptions) (report *SweepReport, err error) {
	folder, err := os.MkdirTemp(sweepFolder(opts.Folder), "bespoke-sweep-")
	if err != nil {
		return nil, fmt.Errorf("torture: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	// Cases allocate much more memory than they hold.
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(sweepMemory))
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	s := sweep{ctx: ctx, opts: opts, report: SweepReport{Seed: opts.Seed, Sample: opts.Sample, Faults: []string{}}}
	if opts.Workers == 0 {
		opts.Workers = goruntime.GOMAXPROCS(0)
	}
	for i := range opts.Workers {
		s.folders = append(s.folders, filepath.Join(folder, fmt.Sprint("worker", i)))
	}
	containers, err := sweepContainers(ctx, folder, opts.Seed)
	if err != nil {
		return nil, fmt.Errorf("torture: %w", err)
	}
	for _, c := range containers {
		for _, d := range sweepDamages {
			row, err := s.row(c, d)
			if err != nil {
				return nil, err
			}
			s.report.Rows = append(s.report.Rows, row)
			if opts.Progress != nil {
				opts.Progress(row)
			}
		}
	}
	return &s.report, nil
}

// sweepFolder returns a folder in memory, if the system has one.
func sweepFolder(wanted string) string {
	const shared = "/dev/shm"
	if info, err := os.Stat(shared); wanted == "" && err == nil && info.IsDir() {
		return shared
	}
	return wanted
}

// A sweep is one run of Sweep.
type sweep struct {
	ctx     context.Context
	opts    SweepOptions
	folders []string     // of the workers
	alone   sync.RWMutex // held for reading by all that allocates, for writing by who wants to be the only one

	mu     sync.Mutex
	report SweepReport
}

// A sweepCase is one way to damage a container.
type sweepCase struct {
	what func() string
	// change returns the new content of the files that change, nil for a file that is gone.
	change func() map[string][]byte
	// forged says that sums were made right again, which does not happen by accident.
	forged bool
	// harmless says that the container is as good as before, so that Check need not report it.
	harmless bool
}

// named returns a function that describes a case. It is called for few cases.
func named(format string, args ...any) func() string {
	return func() string { return fmt.Sprintf(format, args...) }
}

// A sweepDamage is a kind of cases.
type sweepDamage struct {
	name  string
	cases func(*sweepContainer) iter.Seq[sweepCase]
}

// row tries one damage on one container.
func (s *sweep) row(c *sweepContainer, d sweepDamage) (SweepRow, error) {
	row := SweepRow{Container: c.name(), Own: c.own(), Damage: d.name}
	cases := make(chan sweepCase, 64)
	group, ctx := errgroup.WithContext(s.ctx)
	group.Go(func() error {
		defer close(cases)
		s.alone.RLock() // but not while it waits for a worker
		defer s.alone.RUnlock()
		for x := range s.sample(c, d) {
			s.alone.RUnlock()
			select {
			case cases <- x:
			case <-ctx.Done():
			}
			s.alone.RLock()
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		return nil
	})
	for _, folder := range s.folders {
		group.Go(func() error {
			w := sweepWorker{ctx: ctx, s: s, c: c, folder: folder}
			s.alone.RLock()
			err := w.start()
			s.alone.RUnlock()
			if err != nil {
				return err
			}
			for x := range cases {
				r, err := w.try(&x)
				if err != nil {
					return fmt.Errorf("%s, %s, %s: %w", row.Container, d.name, x.what(), err)
				}
				s.count(&row, &x, r)
			}
			s.alone.RLock()
			defer s.alone.RUnlock()
			// Cases that end in an error would not show that something else is wrong with the container.
			if tree, err := w.sound(); err != nil || c.want.differs(tree) != "" {
				return fmt.Errorf("%s, %s: the container is not sound any more: %v", row.Container, d.name, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return row, fmt.Errorf("torture: %w", err)
	}
	return row, nil
}

// sample returns the cases to try.
func (s *sweep) sample(c *sweepContainer, d sweepDamage) iter.Seq[sweepCase] {
	n := s.opts.Sample
	if c.single || c.published {
		n = s.opts.SampleOthers
	}
	if n == 0 {
		return d.cases(c)
	}
	return func(yield func(sweepCase) bool) {
		all := 0
		for range d.cases(c) {
			all++
		}
		r := rand.New(rand.NewPCG(s.opts.Seed, uint64(len(s.report.Rows))))
		for x := range d.cases(c) {
			if r.IntN(all) < n && !yield(x) {
				return
			}
		}
	}
}

// count adds a result to a row.
func (s *sweep) count(row *SweepRow, x *sweepCase, r sweepResult) {
	if r.same {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	row.Cases++
	for _, n := range r.counted(row) {
		*n++
	}
	if len(r.faults) > 0 && len(s.report.Faults) < maxFaults {
		s.report.Faults = append(s.report.Faults, fmt.Sprintf("%s: %s: %s: %s", row.Container, row.Damage, x.what(), r.faults))
		slices.Sort(s.report.Faults)
	}
}
