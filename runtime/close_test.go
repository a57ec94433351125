package runtime

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed54244801/bespoke/model"
)

// A method is a method of Model that takes a context.
type method struct {
	name string
	call func(ctx context.Context) error
}

// methods are all methods that take a context, with valid arguments for a model of sampleUnits.
func methods(m *Model) []method {
	buffer := make([]uint16, 77)
	return []method{
		{"DecodeUnit", func(ctx context.Context) error { return m.DecodeUnit(ctx, "small", buffer) }},
		{"DecodeUnit of none", func(ctx context.Context) error { return m.DecodeUnit(ctx, "empty", nil) }},
		{"DecodeTensor", func(ctx context.Context) error { return m.DecodeTensor(ctx, "small.weight", buffer) }},
		{"DecodePart", func(ctx context.Context) error { return m.DecodePart(ctx, "small.weight", 5, buffer[:3]) }},
		{"DecodeAll", func(ctx context.Context) error {
			return m.DecodeAll(ctx, func(Unit, []uint16) error { return nil })
		}},
		{"DecodeToDevice", func(ctx context.Context) error {
			w, err := m.DecodeToDevice(ctx, "small")
			if err == nil {
				err = w.Release(0)
			}
			return err
		}},
	}
}

// wantClosed checks that an error is ErrClosed.
func wantClosed(t *testing.T, what string, m *Model, err error) {
	t.Helper()
	if !errors.Is(err, ErrClosed) || !errors.Is(err, fs.ErrClosed) || !strings.HasPrefix(err.Error(), "runtime: "+m.path+": ") {
		t.Errorf("%s: error %v, want that of a closed model", what, err)
	}
}

// closable opens a checkpoint for a test that closes it.
func closable(t *testing.T, path string, opts ...Option) *Model {
	t.Helper()
	m, err := Open(path, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func TestClosed(t *testing.T) {
	path := write(t, sampleUnits()...)
	eachDecoder(t, func(t *testing.T, decoder string) {
		m := closable(t, path, WithDecoder(decoder))
		units, choice := m.Units(), m.Decoder()
		var none context.Context
		for _, f := range methods(m) {
			if err := f.call(none); !errors.Is(err, errNilContext) {
				t.Errorf("%s with a nil context: error %v", f.name, err)
			}
			if err := f.call(t.Context()); err != nil && (f.name != "DecodeToDevice" || decoder == CUDA) {
				t.Errorf("%s: error %v", f.name, err)
			}
		}
		for range 3 {
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		}
		for _, f := range methods(m) {
			wantClosed(t, f.name, m, f.call(t.Context()))
		}
		_, err := m.DeviceMatrix("small.weight")
		wantClosed(t, "DeviceMatrix", m, err)
		if _, all := m.Sums(); len(m.Units()) != len(units) || m.Decoder() != choice || all == 0 {
			t.Error("a closed model knows less of itself")
		}
	})
}

// TestCloseMeanwhile closes a model while many goroutines decode.
func TestCloseMeanwhile(t *testing.T) {
	units := sampleUnits()
	path := write(t, units...)
	eachDecoder(t, func(t *testing.T, decoder string) {
		rounds := 6
		if decoder == CUDA { // whose stand-in takes long
			rounds = 2
		}
		for round := range rounds {
			m := closable(t, path, WithDecoder(decoder), WithWorkers(2))
			var all, started sync.WaitGroup
			for i := range 12 {
				started.Add(1)
				all.Go(func() {
					for n := 0; ; n++ {
						if n == i%4 {
							started.Done()
						}
						if err := decodeSome(t, m, units, i+n); err != nil {
							wantClosed(t, "decode", m, err)
							if n < i%4 {
								started.Done()
							}
							return
						}
					}
				})
			}
			if round%2 == 0 {
				started.Wait()
			}
			for range 2 { // at once
				all.Go(func() {
					if err := m.Close(); err != nil {
						t.Error(err)
					}
				})
			}
			if err := m.Close(); err != nil {
				t.Error(err)
			}
			for _, f := range m.file.Files {
				if f.Content() != nil {
					t.Error("a file is open after Close")
				}
			}
			all.Wait()
		}
	})
}

// decodeSome calls one of several methods that decode, chosen by n, and checks the weights.
func decodeSome(t *testing.T, m *Model, units []testUnit, n int) error {
	u := units[1+n%3]
	got, want := make([]uint16, len(u.weights)), u.weights
	var err error
	switch n % 4 {
	case 0:
		err = m.DecodeUnit(t.Context(), u.name, got)
	case 1:
		got, want = make([]uint16, 30_999), units[1].weights[9000:39_999]
		err = m.DecodePart(t.Context(), "layers.0[3]", 0, got)
	case 2:
		got, want = make([]uint16, 36_000), units[2].weights[:36_000]
		err = m.DecodeTensor(t.Context(), "layers.1[0]", got)
	default:
		got, want = nil, nil
		i := 0
		err = m.DecodeAll(t.Context(), func(_ Unit, weights []uint16) error {
			if !slices.Equal(weights, units[i].weights) {
				t.Errorf("unit %d: wrong weights", i)
			}
			i++
			return nil
		})
	}
	if err == nil && !slices.Equal(got, want) {
		t.Errorf("wrong weights of %s", u.name)
	}
	return err
}

// TestCloseByVisitor closes the model while DecodeAll calls a visitor. Either the visitor closes it, or another
// goroutine that the visitor waits for.
func TestCloseByVisitor(t *testing.T) {
	units := sampleUnits()
	path := write(t, units...)
	eachDecoder(t, func(t *testing.T, decoder string) {
		for name, closing := range map[string]func(m *Model) error{
			"itself": func(m *Model) error { return m.Close() },
			"another": func(m *Model) error {
				closed := make(chan error)
				go func() { closed <- m.Close() }()
				return <-closed
			},
		} {
			m := closable(t, path, WithDecoder(decoder), WithWorkers(2))
			visits := 0
			err := m.DecodeAll(t.Context(), func(u Unit, weights []uint16) error {
				visits++
				if visits != 2 {
					decodeUnit(t, m, units[3]) // a visitor may decode
					return nil
				}
				want := slices.Clone(weights)
				if err := closing(m); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if !slices.Equal(weights, want) || !slices.Equal(weights, units[1].weights) {
					t.Errorf("%s: the weights of the visit went with the model", name)
				}
				return nil
			})
			wantClosed(t, name, m, err)
			if visits != 2 {
				t.Errorf("%s: %d visits, want 2", name, visits)
			}
		}
		// All units were visited, and yet the error is that the model is closed.
		m := closable(t, path, WithDecoder(decoder))
		visits := 0
		wantClosed(t, "last visit", m, m.DecodeAll(t.Context(), func(Unit, []uint16) error {
			if visits++; visits == len(units) {
				return m.Close()
			}
			return nil
		}))
	})
}

// TestNewOfClosed calls New with a file that is closed already, and with nil.
func TestNewOfClosed(t *testing.T) {
	if _, err := New(nil); err == nil {
		t.Error("no error for a nil checkpoint")
	}
	file, err := model.OpenContainer(write(t, sampleUnits()...))
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	m, err := New(file, WithDecoder(bestOnCPU().Name))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.DecodeAll(t.Context(), func(Unit, []uint16) error { return nil }); err == nil {
		t.Error("decoded a closed file")
	}
}

// TestCancelled checks that calls return the error of their context when it ends.
func TestCancelled(t *testing.T) {
	m := closable(t, write(t, sampleUnits()...), WithDecoder(bestOnCPU().Name))
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("a cause"))
	for _, f := range methods(m)[:5] {
		if err := f.call(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, ErrClosed) {
			t.Errorf("%s: error %v", f.name, err)
		}
	}
}

func BenchmarkDecodePart(b *testing.B) {
	m, err := Open(write(b, sampleUnits()...), WithDecoder(bestOnCPU().Name))
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	dst := make([]uint16, 10)
	for b.Loop() {
		if err := m.DecodePart(b.Context(), "small.weight", 3, dst); err != nil {
			b.Fatal(err)
		}
	}
}
