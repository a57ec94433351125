package runtime

import (
	"context"
	"errors"
	"iter"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/runtime/internal/samples"
)

// TestDecodeUnits decodes units several times, in various orders and with various bounds.
func TestDecodeUnits(t *testing.T) {
	units := sampleUnits()
	want := make(map[string][]uint16)
	var names []string
	for _, u := range units {
		want[u.name] = u.weights
		names = append(names, u.name)
	}
	m := samples.Must(Open(write(t, units...), WithWorkers(3)))
	defer m.Close()
	slices.Reverse(names)
	orders := map[string][]string{
		"none":     nil,
		"reversed": names,
		"again":    slices.Concat(names, names[:1], names[:1], names),
		"many":     slices.Repeat(names[1:2], 3*unitsAhead),
	}
	for name, order := range orders {
		for _, bound := range []int64{0, 1, 100_000, 1 << 40} {
			var got []string
			err := m.DecodeUnits(t.Context(), slices.Values(order), bound, func(u Unit, weights []uint16) error {
				got = append(got, u.Name)
				if !slices.Equal(weights, want[u.Name]) {
					t.Errorf("%s, bound %d: unit %q has other weights", name, bound, u.Name)
				}
				return nil
			})
			if err != nil || !slices.Equal(got, order) {
				t.Errorf("%s, bound %d: visited %q (error %v), want %q", name, bound, got, err, order)
			}
		}
	}
}

// TestDecodeUnitsBound checks that few units are asked for ahead if the bound has room for few.
func TestDecodeUnitsBound(t *testing.T) {
	units := sampleUnits()
	large := slices.MaxFunc(units, func(a, b testUnit) int { return len(a.weights) - len(b.weights) })
	m := samples.Must(Open(write(t, units...), WithWorkers(2)))
	defer m.Close()
	for _, tc := range []struct {
		room  int64 // the number of units that the bound has room for
		ahead int   // the largest number asked for before the first visit: one more, for which there is no room
	}{{0, 2}, {1, 2}, {3, 4}, {7, 8}} {
		asked, visited := 0, 0
		err := m.DecodeUnits(t.Context(), counted(large.name, 50, &asked), tc.room*2*int64(len(large.weights))+1, func(Unit, []uint16) error {
			if asked-visited > tc.ahead {
				t.Errorf("room for %d units: %d are under way, want %d at most", tc.room, asked-visited, tc.ahead)
			}
			visited++
			return nil
		})
		if err != nil || visited != 50 {
			t.Errorf("room for %d units: %d visited, error %v", tc.room, visited, err)
		}
	}
}

// TestDecodeUnitsAfterLarge visits a unit that is larger than the bound, and then small ones: they are decoded ahead
// again, and its memory is given up.
func TestDecodeUnitsAfterLarge(t *testing.T) {
	units := sampleUnits()
	large, small := units[1], units[3]
	m := samples.Must(Open(write(t, units...), WithWorkers(2), WithDecoder(Generic)))
	defer m.Close()
	asked, visited, ahead := 0, 0, 0
	names := func(yield func(string) bool) {
		if asked++; yield(large.name) {
			counted(small.name, 40, &asked)(yield)
		}
	}
	room := 10
	err := m.DecodeUnits(t.Context(), names, int64(room*2*len(small.weights)), func(u Unit, weights []uint16) error {
		if u.Name == small.name {
			ahead = max(ahead, asked-visited)
			if cap(weights) > room*len(small.weights) {
				t.Errorf("memory for %d words, the bound is %d", cap(weights), room*len(small.weights))
			}
		}
		visited++
		return nil
	})
	if err != nil || visited != 41 || ahead != room+1 {
		t.Errorf("%d visited, at most %d under way, error %v; want 41, %d", visited, ahead, err, room+1)
	}
}

// TestDecodeUnitsLocked visits units by a goroutine that keeps its thread to itself, as callers of C libraries do.
func TestDecodeUnitsLocked(t *testing.T) {
	units := sampleUnits()
	m := samples.Must(Open(write(t, units...), WithWorkers(2)))
	defer m.Close()
	visited := 0
	if err := m.DecodeUnits(t.Context(), m.names(), 1, func(Unit, []uint16) error {
		goruntime.LockOSThread()
		visited++
		return nil
	}); err != nil || visited != len(units) {
		t.Errorf("%d units visited, error %v", visited, err)
	}
	for range visited {
		goruntime.UnlockOSThread()
	}
}

// TestDecodeUnitsEnded ends the context while names are asked for: no unit is visited any more, however far it is.
func TestDecodeUnitsEnded(t *testing.T) {
	m := samples.Must(Open(write(t, sampleUnits()...), WithWorkers(2)))
	defer m.Close()
	for range 100 {
		ctx, cancel := context.WithCancel(t.Context())
		err := m.DecodeUnits(ctx, func(yield func(string) bool) {
			if yield("empty") { // which is decoded at once
				cancel()
			}
		}, 0, func(Unit, []uint16) error { return errors.New("a visit") })
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v, want that of the context", err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		none := func(func(string) bool) { cancel() }
		if err := m.DecodeUnits(ctx, none, 0, func(Unit, []uint16) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Fatalf("no names: error %v, want that of the context", err)
		}
	}
}

// TestDefaultBound computes the bound that 0 stands for.
func TestDefaultBound(t *testing.T) {
	units := sampleUnits()
	m := samples.Must(Open(write(t, units...), WithDecoder(Generic)))
	defer m.Close()
	if have, want := m.defaultBound(), 2*2*int64(len(units[1].weights))+8<<20; have != want {
		t.Errorf("%d bytes, want %d", have, want)
	}
}

// counted yields a name n times, or for ever if n is negative, and counts how often it yields.
func counted(name string, n int, asked *int) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := 0; i != n; i++ {
			if *asked++; !yield(name) {
				return
			}
		}
	}
}

// TestDecodeUnitsEnds decodes units without end, until there is an error of the visitor, of a unit, or of the
// context.
func TestDecodeUnitsEnds(t *testing.T) {
	units := sampleUnits()
	m := samples.Must(Open(write(t, units...), WithWorkers(2)))
	defer m.Close()
	enough := errors.New("enough")
	ctx, cancel := context.WithCancel(t.Context())
	nothing := func(Unit, []uint16) error { return nil }
	asked, visited := 0, 0
	first := slices.Values([]string{units[0].name, "nothing", units[0].name})
	for _, tc := range []struct {
		name string
		err  error
		want string
	}{
		{"visitor", m.DecodeUnits(ctx, counted(units[0].name, -1, &asked), 0, func(Unit, []uint16) error {
			if visited++; visited == 100 {
				return enough
			}
			return nil
		}), "enough"},
		{"unknown", m.DecodeUnits(ctx, first, 0, func(Unit, []uint16) error { visited++; return nil }), `no unit "nothing"`},
		{"context", m.DecodeUnits(ctx, counted(units[0].name, -1, &asked), 0, func(Unit, []uint16) error { cancel(); return nil }), context.Canceled.Error()},
		{"nil names", m.DecodeUnits(t.Context(), nil, 0, nothing), "must not be nil"},
		{"nil visitor", m.DecodeUnits(t.Context(), first, 0, nil), "must not be nil"},
		{"bound", m.DecodeUnits(t.Context(), first, -1, nothing), "a bound of -1 bytes"},
	} {
		if tc.err == nil || !strings.Contains(tc.err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %q", tc.name, tc.err, tc.want)
		}
	}
	if visited != 101 { // 100 times the first one, and the unit before the unknown one
		t.Errorf("%d units visited, want 101", visited)
	}
}
