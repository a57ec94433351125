package runtime

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
)

// A testUnit is a unit to write to a file.
type testUnit struct {
	name    string
	weights []uint16
	splits  []uint64
	book    *codebook.Book
	damage  func(*codebook.Stream)
}

// write writes a checkpoint of the units to a single file and returns its path.
func write(tb testing.TB, units ...testUnit) string {
	tb.Helper()
	var entries []model.Entry
	for _, u := range units {
		s, err := codebook.Encode(u.book, u.weights)
		if err != nil {
			tb.Fatal(err)
		}
		if u.damage != nil {
			u.damage(s)
		}
		entries = append(entries, model.UnitEntries(u.name, s, u.splits)...)
	}
	path := filepath.Join(tb.TempDir(), "model.safetensors")
	if err := model.WriteFile(path, entries, nil); err != nil {
		tb.Fatal(err)
	}
	return path
}

// open opens a checkpoint and closes it when the test ends.
func open(tb testing.TB, path string, opts ...Option) *Model {
	tb.Helper()
	m, err := Open(path, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := m.Close(); err != nil {
			tb.Error(err)
		}
	})
	return m
}

// sampleUnits are a large unit of several tensors, a small one, one tensor of no elements, and a
// unit of none at all.
func sampleUnits() []testUnit {
	limited, published := samples.Books()[2], samples.Books()[5]
	n := uint64(len(limited.Weights))
	return []testUnit{
		{name: "empty", book: limited.Book},
		{name: "layers.0", book: limited.Book, weights: limited.Weights, splits: []uint64{5, 5, 9000, 40_000, 40_001, n - 1}},
		{name: "layers.1", book: published.Book, weights: published.Weights[:70_000], splits: []uint64{36_000}},
		{name: "small", book: limited.Book, weights: limited.Weights[:77]},
	}
}

// eachDecoder runs a test for every decoder that this build and machine can run.
func eachDecoder(t *testing.T, test func(t *testing.T, decoder string)) {
	each(t, Available(), test)
}

// each runs a test for each of the decoders that is available.
func each(t *testing.T, decoders []DecoderInfo, test func(t *testing.T, decoder string)) {
	for _, d := range decoders {
		if d.Available {
			t.Run(d.Name, func(t *testing.T) { test(t, d.Name) })
		}
	}
}

func TestModel(t *testing.T) {
	units := sampleUnits()
	path := write(t, units...)
	eachDecoder(t, func(t *testing.T, decoder string) {
		m := open(t, path, WithDecoder(decoder), WithWorkers(3))
		if got := m.Decoder(); got.Name != decoder || !strings.HasPrefix(got.Reason, "forced by option") {
			t.Errorf("decoder %v", got)
		}
		listed := m.Units()
		var wg sync.WaitGroup // all at once: a Model is safe for concurrent use
		for i, u := range units {
			if l := listed[i]; l.Name != u.name || l.Elements != len(u.weights) || l.Book != u.book.Fingerprint() {
				t.Errorf("unit %d is %v with %d elements", i, l.Name, l.Elements)
			}
			wg.Go(func() { decodeUnit(t, m, u) })
			from := 0
			for _, tensor := range listed[i].Tensors {
				weights := u.weights[from : from+tensor.Elements]
				from += tensor.Elements
				wg.Go(func() { decodeTensor(t, m, tensor.Name, weights) })
			}
			if from != len(u.weights) {
				t.Errorf("unit %s has tensors of %d elements", u.name, from)
			}
		}
		wg.Wait()
		decodeAll(t, m, units)
	})
}

func decodeUnit(t *testing.T, m *Model, u testUnit) {
	got := make([]uint16, len(u.weights))
	if err := m.DecodeUnit(t.Context(), u.name, got); err != nil || !slices.Equal(got, u.weights) {
		t.Errorf("unit %s: wrong weights or error %v", u.name, err)
	}
}

func decodeTensor(t *testing.T, m *Model, name string, want []uint16) {
	got := make([]uint16, len(want))
	if err := m.DecodeTensor(t.Context(), name, got); err != nil || !slices.Equal(got, want) {
		t.Errorf("tensor %s: wrong weights or error %v", name, err)
	}
}

func decodeAll(t *testing.T, m *Model, units []testUnit) {
	i := 0
	err := m.DecodeAll(t.Context(), func(u Unit, weights []uint16) error {
		if u.Name != units[i].name || !slices.Equal(weights, units[i].weights) {
			t.Errorf("unit %d: %s, or its weights, are wrong", i, u.Name)
		}
		i++
		return nil
	})
	if err != nil || i != len(units) {
		t.Errorf("visited %d of %d units, error %v", i, len(units), err)
	}
}

// TestDecodeAllMany decodes more units than DecodeAll decodes ahead. Their sizes differ, so buffers are used for
// several sizes.
func TestDecodeAllMany(t *testing.T) {
	bc := samples.Books()[1]
	var units []testUnit
	for i := range 3 * unitsAhead {
		units = append(units, testUnit{name: fmt.Sprintf("u%03d", i), book: bc.Book, weights: bc.Weights[i : i*i*7]})
	}
	decodeAll(t, open(t, write(t, units...), WithWorkers(4)), units)
}

func TestDecodeErrors(t *testing.T) {
	units := sampleUnits()
	units[1].damage = func(s *codebook.Stream) {
		_, bit := s.ChunkStart(3)
		s.Encoded[bit/8+1] ^= 0x55
		s.Encoded[len(s.Encoded)-100] ^= 0x55
	}
	units[2].damage = func(s *codebook.Stream) { s.Luts[300] = 255 }
	path := write(t, units...)
	eachDecoder(t, func(t *testing.T, decoder string) {
		m := open(t, path, WithDecoder(decoder), WithWorkers(3))
		ctx := t.Context()
		large := make([]uint16, len(units[1].weights))
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		visits := 0
		for _, tc := range []struct {
			name string
			err  error
			want string
		}{
			{"stream", m.DecodeUnit(ctx, "layers.0", large), `model.safetensors: unit "layers.0": chunk 3: `},
			{"tensor", m.DecodeTensor(ctx, "layers.0[3]", large[:31_000]), `unit "layers.0": chunk 3: `},
			{"book", m.DecodeUnit(ctx, "layers.1", large[:70_000]), `unit "layers.1": codebook: `},
			{"length", m.DecodeUnit(ctx, "small", large[:78]), `unit "small": 77 elements into a buffer of 78`},
			{"tensor length", m.DecodeTensor(ctx, "layers.0[0]", large[:4]), `tensor "layers.0[0]": 5 elements into a buffer of 4`},
			{"no unit", m.DecodeUnit(ctx, "none", nil), `no unit "none"`},
			{"no tensor", m.DecodeTensor(ctx, "none", nil), `no coded tensor "none"`},
			{"cancelled unit", m.DecodeUnit(cancelled, "small", large[:77]), context.Canceled.Error()},
			{"all", m.DecodeAll(ctx, func(u Unit, _ []uint16) error {
				visits++
				return nil
			}), `unit "layers.0": chunk 3: `},
			{"visit", m.DecodeAll(ctx, func(u Unit, _ []uint16) error { return errors.New("enough") }), "enough"},
			{"cancelled all", m.DecodeAll(cancelled, func(Unit, []uint16) error { return nil }), context.Canceled.Error()},
		} {
			if tc.err == nil || !strings.Contains(tc.err.Error(), tc.want) {
				t.Errorf("%s: error %v, want %q", tc.name, tc.err, tc.want)
			}
		}
		if visits != 1 {
			t.Errorf("%d units visited before the error, want 1", visits)
		}
		var streamErr *codebook.StreamError
		if err := m.DecodeUnit(ctx, "layers.0", large); !errors.As(err, &streamErr) || streamErr.Chunk != 3 {
			t.Errorf("error %v wraps no StreamError of chunk 3", err)
		}
		// The tensors before the damage can still be decoded.
		decodeTensor(t, m, "layers.0[2]", units[1].weights[5:9000])
	})
}

func TestOpenErrors(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("opened a path that does not exist")
	}
	path := write(t, sampleUnits()...)
	for _, tc := range []struct {
		name string
		opt  Option
		want string
	}{
		{"no such decoder", WithDecoder("fast"), `no decoder "fast"`},
		{"no devices named", WithDevices(), "no devices given"},
		{"device named twice", WithDevices(1, 0, 1), "devices [1 0 1]: want different ones"},
		{"no device memory", WithDeviceMemory(0), "0 bytes of device memory"},
		{"no workers", WithWorkers(0), "0 workers"},
		{"no such checks", WithChecks(0), "checks 0, want CheckFirst or CheckAlways"},
		{"nil kernel", WithKernel(nil), "kernel is nil"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := Open(path, tc.opt); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}
