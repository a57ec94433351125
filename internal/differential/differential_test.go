package differential

import (
	"context"
	"errors"
	"flag"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/host"
	"github.com/seed54244801/bespoke/internal/testenv"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/out/shakespeare"
	"github.com/seed54244801/bespoke/runtime"
)

var seed = flag.Uint64("seed", uint64(time.Now().Unix()/86400), "what samples are chosen by, another each day if not given")

func TestMain(m *testing.M) { host.Main(m) }

// check runs Decoders or CUDA and returns the rows by decoder.
func check(t *testing.T, compare func(context.Context, Options) (*Report, error), opts Options) map[string][]Row {
	t.Helper()
	opts.Seed = *seed
	r, err := compare(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]Row{}
	for _, row := range r.Rows {
		t.Logf("%+v", row)
		if row.Streams != row.SameBytes+row.SameError+row.Differing || row.Left > row.SameBytes ||
			row.Streams > testenv.Pick(60, 100) && min(row.SameBytes, row.SameError) == 0 {
			t.Errorf("-seed %d: %+v does not add up", *seed, row)
		}
		rows[row.Decoder] = append(rows[row.Decoder], row)
	}
	if n := r.Differing(); n > 0 || len(r.Differences) > 0 {
		t.Errorf("-seed %d: %d streams differ:\n%s", *seed, n, strings.Join(r.Differences, "\n"))
	}
	t.Logf("-seed %d", *seed)
	return rows
}

// TestMutations counts the mutations of a small stream. The stream itself must not change.
func TestMutations(t *testing.T) {
	book := subjects()[0].book
	r := rand.New(rand.NewPCG(1, 1))
	for i, index := range codebook.IndexNames() {
		t.Run(index, func(t *testing.T) {
			s, err := codebook.EncodeIndexed(book, weights(r, book, 40), codebook.Index(i))
			if err != nil {
				t.Fatal(err)
			}
			text := func(s *codebook.Stream) (all string) {
				for _, p := range parts {
					all += string(*p.of(s)) + "|"
				}
				return all
			}
			before, bits, lengths := text(s), 0, 0
			for _, p := range parts {
				bits += 8 * len(*p.of(s))
				lengths += 2 * min(1, len(*p.of(s)))
			}
			different := map[string]bool{}
			for _, m := range mutations(r, s, nil, 0) {
				different[text(m.stream)] = true
			}
			if len(different) != bits+lengths || different[before] || text(s) != before {
				t.Errorf("%d different streams, want %d", len(different), bits+lengths)
			}
			others := []mutation{{"another", &codebook.Stream{}}}
			if n, want := len(mutations(r, s, others, 60)), 60; n < want || n > want+60+lengths {
				t.Errorf("a sample of %d streams", n)
			}
			if n := len(mixed(r, s, others, 0)); n != 62 {
				t.Errorf("%d choices of parts, want 62", n)
			}
		})
	}
}

// TestDiffers checks that weights and errors that differ from an outcome are found.
func TestDiffers(t *testing.T) {
	u := &model.Unit{Name: "u"}
	unit := func(text string) error { return errors.New(`runtime: a/file: unit "u": ` + text) }
	sound := &outcome{weights: []uint16{1, 2, 3}, chunks: []chunk{{0, 2, ""}, {2, 3, ""}}}
	broken := &outcome{weights: []uint16{1, 2, 3}, chunks: []chunk{{0, 2, ""}, {2, 3, "chunk 1: bad"}}}
	refused := &outcome{weights: []uint16{1}, refused: "sizes"}
	for _, tt := range []struct {
		name     string
		o        *outcome
		from, to int
		got      []uint16
		err      error
		differs  bool
	}{
		{"same", sound, 0, 3, []uint16{1, 2, 3}, nil, false},
		{"part", sound, 1, 3, []uint16{2, 3}, nil, false},
		{"nothing", broken, 3, 3, nil, nil, false},
		{"another weight", sound, 0, 3, []uint16{1, 2, 4}, nil, true},
		{"an error", sound, 0, 3, nil, unit("chunk 1: bad"), true},
		{"same error", broken, 0, 3, nil, unit("chunk 1: bad"), false},
		{"another error", broken, 0, 3, nil, unit("chunk 1: worse"), true},
		{"of another unit", broken, 0, 3, nil, errors.New(`file: unit "v": chunk 1: bad`), true},
		{"no error", broken, 0, 3, []uint16{1, 2, 3}, nil, true},
		{"before the error", broken, 0, 2, []uint16{1, 2}, nil, false},
		{"refused", refused, 0, 1, nil, unit("sizes"), false},
		{"not refused", refused, 0, 0, nil, nil, true},
	} {
		if got := tt.o.differs(u, tt.from, tt.to, tt.got, tt.err); (got != "") != tt.differs {
			t.Errorf("%s: %q", tt.name, got)
		}
	}
}

func TestDecoders(t *testing.T) {
	rows := check(t, Decoders, testenv.Pick(Options{First: 120, Small: 24, Large: 1}, Options{Small: 200, Large: 10}))
	for _, d := range runtime.Available() {
		if n := len(rows[d.Name]); d.Available && d.Name != runtime.CUDA && n != len(codebook.IndexNames()) {
			t.Errorf("%d rows for %s", n, d.Name)
		}
	}
}

func TestCUDA(t *testing.T) {
	// Compile skips the test if there is no compiler.
	host.Compile(t, []byte(shakespeare.Kernel().CUDA))
	rows := check(t, CUDA, testenv.Pick(Options{First: 8, Small: 4, Large: 1, Weights: 30_000}, Options{First: 30, Small: 12, Large: 1}))
	for _, e := range entries {
		name := "cuda " + e.name
		if !e.table {
			name += " of shakespeare"
		}
		if len(rows[name]) != 2 {
			t.Errorf("%d rows for %s, want one for each index that has what it reads", len(rows[name]), name)
		}
	}
}
