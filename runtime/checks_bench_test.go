//go:build unix

package runtime

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/encode"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
)

// BenchmarkChecks decodes real weights with checks and without, a unit in one call. The weights are those of the
// model of the demo, repeated, and those that make models fetches, if they are there. It also counts the time on
// the CPU. A checkpoint that is opened once was decoded before, so CheckFirst compares nothing. A checkpoint that
// is opened for each decode is decoded for the first time.
func BenchmarkChecks(b *testing.B) {
	for _, path := range []string{"../testdata/shakespeare-llama", "../models/all-mpnet-base-v2-bf16"} {
		b.Run("model="+filepath.Base(path), func(b *testing.B) {
			if _, err := os.Stat(path); err != nil {
				b.Skip("make models fetches it")
			}
			path, u := realUnit(b, path)
			for _, d := range onCPU() {
				if !d.Available {
					continue
				}
				for _, opened := range []string{"once", "anew"} {
					for checks, name := range []string{"off", "first", "always"} {
						if opened == "anew" && Checks(checks) == CheckAlways { // the same as the first time
							continue
						}
						b.Run(fmt.Sprintf("impl=%s/open=%s/checks=%s", d.Name, opened, name), func(b *testing.B) {
							benchmarkChecks(b, path, &u, opened == "anew", WithDecoder(d.Name), WithWorkers(1), func(o *options) error {
								o.checks = Checks(checks)
								return nil
							})
						})
					}
				}
			}
		})
	}
}

// benchmarkChecks decodes the unit of a checkpoint that has the right sums.
func benchmarkChecks(b *testing.B, path string, u *testUnit, anew bool, opts ...Option) {
	var sums []model.TensorSum
	open := func() *Model {
		file := samples.Must(model.OpenContainer(path))
		for i := range file.Units[0].Tensors {
			x := &file.Units[0].Tensors[i]
			if len(sums) == i {
				sums = append(sums, sumOf(u.weights[x.Offset:x.Offset+x.Elements]))
			}
			x.Sum = &sums[i]
		}
		return samples.Must(New(file, opts...))
	}
	dst := make([]uint16, len(u.weights))
	m := open()
	if err := m.DecodeUnit(b.Context(), u.name, dst); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(2 * int64(len(dst)))
	before := cpuTime(b)
	for b.Loop() {
		if anew {
			m.Close()
			m = open()
		}
		if err := m.DecodeUnit(b.Context(), u.name, dst); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
	if err := m.Close(); err != nil {
		b.Fatal(err)
	}
}

// cpuTime returns the CPU time that the process has used. Other processes on the core disturb it less than the time
// of day.
func cpuTime(b *testing.B) time.Duration {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// realUnit writes the matrices of a checkpoint as one unit. It repeats them until there are 32 Mi weights.
func realUnit(b *testing.B, path string) (string, testUnit) {
	c, err := model.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	u := testUnit{name: "u"}
	var parts [][]byte
	for len(u.weights) < 32<<20 {
		for _, x := range c.Tensors {
			if x.DType != model.BF16 || len(x.Shape) != 2 || len(u.weights) > 64<<20 {
				continue
			}
			parts = append(parts, x.Bytes())
			for i := 0; i < len(x.Bytes()); i += 2 {
				u.weights = append(u.weights, binary.LittleEndian.Uint16(x.Bytes()[i:]))
			}
			u.splits = append(u.splits, uint64(len(u.weights)))
		}
	}
	h := encode.Histogram(parts, 0)
	s := samples.Must(new(encode.Encoder).Encode(samples.Must(codebook.Canonical(&h, codebook.TableBits)), parts))
	path = filepath.Join(b.TempDir(), "model.safetensors")
	if err := model.WriteFile(path, model.UnitEntries(u.name, s, u.splits[:len(u.splits)-1]), nil); err != nil {
		b.Fatal(err)
	}
	return path, u
}
