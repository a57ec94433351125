package kerneltest

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime"
)

// open writes the samples to one DF11 file, a unit each. It opens the file with the suite's kernel and the named
// decoder. The name of unit k is unitName(k).
func (s *Suite) open(tb testing.TB, samples []sample, decoder string) *runtime.Model {
	tb.Helper()
	var entries []model.Entry
	for k := range samples {
		entries = append(entries, model.UnitEntries(unitName(k), samples[k].stream, nil)...)
	}
	path := filepath.Join(tb.TempDir(), "units.safetensors")
	if err := model.WriteFile(path, entries, nil); err != nil {
		tb.Fatal(err)
	}
	m, err := runtime.Open(path, runtime.WithKernel(s.Kernel), runtime.WithDecoder(decoder))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := m.Close(); err != nil {
			tb.Error(err)
		}
	})
	if got := m.Decoder().Name; got != decoder {
		tb.Fatalf("opened with decoder %s, want %s", got, decoder)
	}
	return m
}

func unitName(k int) string { return fmt.Sprintf("unit%d", k) }
