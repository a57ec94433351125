//go:build linux

// Command wall measures how long bespoke takes to compress and to decompress a whole model with each codec, beside cp of the
// same files. They take turns, so that a disturbance of the machine affects all of them.
//
//	go run ./tools/wall [-bespoke build/bespoke] [-rounds 10] [-json FILE] [-layers N] MODEL
//
// With -layers, MODEL is made if it is not there: a Llama with normal weights, 2 GiB with 16 layers. The model is
// read once before the first round, so that it lies in the page cache if it fits. Output goes to a folder beside
// it, which is removed at the end. Before every run, output that is not needed any more is removed and the disk
// flushed.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"text/tabwriter"

	"golang.org/x/sys/unix"

	"github.com/seed54244801/bespoke/internal/measure"
)

func main() {
	bespoke := flag.String("bespoke", "build/bespoke", "the command to measure")
	rounds := flag.Int("rounds", 10, "how often each is run")
	out := flag.String("json", "", "write the result to this file too")
	layers := flag.Int("layers", 0, "make a model of as many layers if there is none")
	flag.Parse()
	if flag.NArg() != 1 || *rounds < 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, unix.SIGTERM)
	defer stop()
	r, err := makeAndRun(ctx, *bespoke, flag.Arg(0), *layers, *rounds)
	if err == nil && *out != "" {
		err = r.save(*out)
	}
	if err == nil {
		err = r.print(os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "wall:", err)
		os.Exit(1)
	}
}

// result is the printed result. Its JSON form is stable.
type result struct {
	Model      string `json:"model"`
	ModelBytes int64  `json:"model_bytes"`
	Processors int    `json:"processors"`
	Rounds     int    `json:"rounds"`
	Runs       []row  `json:"runs"`
}

// row sums up the runs of one command.
type row struct {
	Name string `json:"name"`
	// Seconds, CPUSeconds and CopyRatio are medians over the rounds. CopyRatio is the time in multiples of the
	// time of cp in the same round. Quartiles are of the seconds.
	Seconds    float64    `json:"seconds"`
	Quartiles  [2]float64 `json:"quartiles"`
	AllSeconds []float64  `json:"all_seconds"` // round by round
	CPUSeconds float64    `json:"cpu_seconds"`
	CopyRatio  float64    `json:"cp_ratio"`
	// PeakAnonymous is the largest amount of memory of its own that the command had in any round. PeakResident
	// includes the pages of mapped files.
	PeakAnonymous int64 `json:"peak_anonymous_bytes"`
	PeakResident  int64 `json:"peak_resident_bytes"`
}

func makeAndRun(ctx context.Context, bespoke, model string, layers, rounds int) (*result, error) {
	if _, err := os.Stat(model); errors.Is(err, fs.ErrNotExist) && layers > 0 {
		if err := makeLlama(model, layers); err != nil {
			return nil, err
		}
	}
	return run(ctx, bespoke, model, rounds)
}

func run(ctx context.Context, bespoke, model string, rounds int) (*result, error) {
	r := &result{Model: filepath.Base(model), Processors: runtime.GOMAXPROCS(0), Rounds: rounds}
	var err error
	if r.ModelBytes, err = readAll(model); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(filepath.Dir(filepath.Clean(model)), "wall-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	steps := steps(bespoke, model, dir)
	samples := make([][]sample, len(steps))
	for range rounds {
		for i, s := range steps {
			for _, old := range s.remove {
				if err := os.RemoveAll(old); err != nil {
					return nil, err
				}
			}
			unix.Sync()
			m, err := timed(ctx, s.command)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", s.command, err)
			}
			samples[i] = append(samples[i], m)
		}
	}
	for i, s := range steps {
		r.Runs = append(r.Runs, sumUp(s.name, samples[i], samples[0]))
	}
	return r, nil
}

// A step is a command, and the output of earlier steps that is removed before it.
type step struct {
	name    string
	remove  []string
	command []string
}

// steps returns what is run in a round, with output in dir: cp, then each codec.
func steps(bespoke, model, dir string) []step {
	copied, coded, restored := filepath.Join(dir, "copied"), filepath.Join(dir, "coded"), filepath.Join(dir, "restored")
	list := []step{{"cp", []string{coded, restored}, []string{"cp", "-rL", model, copied}}}
	for _, codec := range []string{"rans", "df11"} {
		list = append(list,
			step{"compress, " + codec, []string{copied, coded, restored}, []string{bespoke, "compress", "-q", model, "-o", coded, "--codec", codec}},
			step{"decompress, " + codec, nil, []string{bespoke, "decompress", "-q", coded, "-o", restored}})
	}
	return list
}

// readAll reads one file, or all files below a folder, and returns their size.
func readAll(path string) (size int64, err error) {
	err = filepath.WalkDir(path, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		n, err := io.Copy(io.Discard, f)
		size += n
		return err
	})
	return size, err
}

func sumUp(name string, samples, copies []sample) row {
	r := row{Name: name}
	var seconds, cpu, ratios []float64
	for i, s := range samples {
		seconds = append(seconds, s.seconds)
		cpu = append(cpu, s.cpu)
		ratios = append(ratios, s.seconds/copies[i].seconds)
		r.PeakAnonymous = max(r.PeakAnonymous, s.anonymous)
		r.PeakResident = max(r.PeakResident, s.resident)
	}
	spread := measure.NewSpread(seconds)
	r.Seconds, r.Quartiles, r.AllSeconds = spread.Median, [2]float64{spread.Low, spread.High}, seconds
	r.CPUSeconds, r.CopyRatio = measure.NewSpread(cpu).Median, measure.NewSpread(ratios).Median
	return r
}

func (r *result) save(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o666)
}

func (r *result) print(out io.Writer) error {
	const mib = 1 << 20
	fmt.Fprintf(out, "%s: %.2f GiB, %d processors, %d rounds\n\n", r.Model, float64(r.ModelBytes)/(1<<30), r.Processors, r.Rounds)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tseconds, median\tquartiles\tCPU seconds\tof cp\tpeak memory, MiB\twith mapped files\t")
	for _, s := range r.Runs {
		fmt.Fprintf(w, "%s\t%.2f\t%.2f–%.2f\t%.2f\t%.2f\t%d\t%d\t\n", s.Name, s.Seconds, s.Quartiles[0], s.Quartiles[1],
			s.CPUSeconds, s.CopyRatio, s.PeakAnonymous/mib, s.PeakResident/mib)
	}
	return w.Flush()
}
