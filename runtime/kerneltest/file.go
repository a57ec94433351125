package kerneltest

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime"
)

// open writes the samples to one DF11 file, a unit each, and opens it with the suite's kernel and
// the named decoder. Unit k is named by [unitName].
func (s *Suite) open(tb testing.TB, samples []sample, decoder string) *runtime.Model {
	tb.Helper()
	var entries []model.Entry
	for k := range samples {
		entries = append(entries, unitEntries(unitName(k), samples[k].stream)...)
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

// unitEntries are the tensors of a bare unit, one without split positions.
func unitEntries(module string, s *codebook.Stream) []model.Entry {
	entry := func(name string, data []byte) model.Entry {
		return model.BytesEntry(module+"."+name, model.U8, []uint64{uint64(len(data))}, data)
	}
	return []model.Entry{
		model.BytesEntry(module+".luts", model.U8, []uint64{uint64(len(s.Luts)) / 256, 256}, s.Luts),
		entry("encoded_exponent", s.Encoded),
		entry("sign_mantissa", s.SignMantissa),
		entry("output_positions", s.OutputPositions),
		entry("gaps", s.Gaps),
		model.BytesEntry(module+".split_positions", model.I64, []uint64{0}, nil),
	}
}
