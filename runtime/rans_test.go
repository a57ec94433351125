package runtime

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/rans"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
	"github.com/seed54244801/bespoke/runtime/kernel"
)

// ransForms are the forms that tests go through.
var ransForms = []rans.Form{rans.Exponent, rans.Joint}

// A matrix is a tensor that tests code.
type matrix struct {
	name          string
	rows, columns int
	block         int // weights
	weights       []uint16
}

// sampleMatrices are tensors of two units: with whole blocks, with a short last one, with patches, with a row that is no
// whole number of steps, and of one weight.
func sampleMatrices() []matrix {
	list := []matrix{
		{"a.wide", 64, 1024, 8 * 1024, samples.Trained(64*1024, 1)},
		{"a.short", 41, 256, 10 * 256, samples.Trained(41*256, 2)},
		{"a.rare", 30, 128, 7 * 128, samples.Trained(30*128, 3)},
		{"b.odd", 33, 100, 500, samples.Trained(3300, 4)},
		{"b.one", 1, 1, 1, []uint16{0x8001}},
	}
	for i := range list[2].weights {
		if i%13 == 0 {
			list[2].weights[i] = uint16(i*131) & 0x3fff
		}
	}
	return list
}

// writeRANS writes a checkpoint with tensors coded with rANS to a single file and returns its path. A unit is what the name
// of a tensor has before its last dot.
func writeRANS(tb testing.TB, form rans.Form, list []matrix, damage func(name string, t *rans.Tensor)) string {
	tb.Helper()
	var entries []model.Entry
	for _, x := range list {
		counts := make([]uint64, form.Symbols())
		for _, w := range x.weights {
			counts[form.Symbol(w)]++
		}
		s := samples.Must(rans.Encode(form, samples.Must(rans.NewTable(form, counts)), x.weights, x.block))
		coded := &rans.Tensor{Stream: *s, Shape: []uint64{uint64(x.rows), uint64(x.columns)}}
		if damage != nil {
			damage(x.name, coded)
		}
		unit := x.name[:strings.LastIndex(x.name, ".")]
		entries = append(entries, samples.Must(model.RANSEntry(unit, x.name, coded, nil)))
	}
	path := filepath.Join(tb.TempDir(), "model.safetensors")
	if err := model.WriteFile(path, entries, nil); err != nil {
		tb.Fatal(err)
	}
	return path
}

// TestRANS decodes units, tensors and parts of them.
func TestRANS(t *testing.T) {
	eachDecoder(t, func(t *testing.T, decoder string) {
		list := sampleMatrices()
		parts := 100
		if decoder == CUDA { // whose stand-in takes long
			parts = 3
		}
		for _, form := range ransForms {
			m := open(t, writeRANS(t, form, list, nil), WithDecoder(decoder), WithWorkers(2))
			if got := m.Decoder(); got.Name != decoder || !strings.HasPrefix(got.Reason, "forced by option") {
				t.Errorf("decoder %v", got)
			}
			for _, u := range m.Units() {
				var want []uint16
				for _, x := range u.Tensors {
					i := slices.IndexFunc(list, func(m matrix) bool { return m.name == x.Name })
					want = append(want, list[i].weights...)
				}
				got := make([]uint16, u.Elements)
				if err := m.DecodeUnit(t.Context(), u.Name, got); err != nil || !slices.Equal(got, want) {
					t.Errorf("%v: unit %s: other weights, error %v", form, u.Name, err)
				}
			}
			visited := 0
			err := m.DecodeAll(t.Context(), func(u Unit, weights []uint16) error { visited += len(weights); return nil })
			if err != nil || visited != 64*1024+41*256+30*128+3301 {
				t.Errorf("%v: visited %d weights, error %v", form, visited, err)
			}
			r := samples.NewRand(8)
			for _, x := range list {
				got := make([]uint16, len(x.weights))
				if err := m.DecodeTensor(t.Context(), x.name, got); err != nil || !slices.Equal(got, x.weights) {
					t.Errorf("%v: %s: other weights, error %v", form, x.name, err)
				}
				for range parts {
					first := r.IntN(len(x.weights))
					part := got[:1+r.IntN(len(x.weights)-first)]
					clear(part)
					if err := m.DecodePart(t.Context(), x.name, first, part); err != nil || !slices.Equal(part, x.weights[first:first+len(part)]) {
						t.Fatalf("%v: %s: weights [%d, %d) differ, error %v", form, x.name, first, first+len(part), err)
					}
				}
			}
		}
	})
}

// TestRANSErrors names what is wrong: the first broken block, and what a decoder or kernel cannot do.
func TestRANSErrors(t *testing.T) {
	eachDecoder(t, func(t *testing.T, decoder string) {
		for _, form := range ransForms {
			path := writeRANS(t, form, sampleMatrices(), func(name string, x *rans.Tensor) {
				if name == "a.wide" {
					_, layout, err := x.Validate()
					if err != nil {
						t.Fatal(err)
					}
					for _, block := range []int{6, 5} {
						b := x.Block(layout, block)
						b.Words[len(b.Words)-1] ^= 0x80
					}
				}
			})
			m := open(t, path, WithDecoder(decoder), WithWorkers(2))
			unit := make([]uint16, m.Units()[0].Elements)
			var broken *rans.BlockError
			err := m.DecodeUnit(t.Context(), "a", unit)
			if !errors.As(err, &broken) || broken.Block != 5 || !strings.Contains(err.Error(), `unit "a": tensor "a.wide": block 5`) {
				t.Errorf("%v: error %v", form, err)
			}
			if err := m.DecodePart(t.Context(), "a.wide", 0, unit[:5*8*1024]); err != nil {
				t.Errorf("%v: before the broken blocks: %v", form, err)
			}
			w := samples.Must(m.Matrix("a.wide"))
			err = w.Multiply(t.Context(), make([]float32, w.Columns), make([]float32, w.Rows), 1)
			if !errors.As(err, &broken) || broken.Block != 5 || !strings.Contains(err.Error(), `tensor "a.wide"`) {
				t.Errorf("%v: error of a product %v", form, err)
			}
		}
	})
	path := writeRANS(t, rans.Exponent, sampleMatrices(), nil)
	if _, err := Open(path, WithKernel(&Kernel{Name: "k", ABI: kernel.ABI})); err == nil || !strings.Contains(err.Error(), "kernel k decodes DF11") {
		t.Errorf("error %v", err)
	}
}

// ransDamages are changes of a tensor, each of which decoders notice, named by what they say.
var ransDamages = map[string]func(b rans.Block){
	rans.BadState.String():  func(b rans.Block) { clear(b.States[2*rans.States+6:][:2]) },
	rans.BadEnd.String():    func(b rans.Block) { b.States[9] ^= 0x10 },
	rans.BadPatch.String():  func(b rans.Block) { copy(b.Patches[4:8], b.Patches[:4]) },
	rans.BadZeros.String():  func(b rans.Block) { b.Plane[len(b.Plane)-1] ^= 0x40 },
	rans.WordsEnd.String():  func(b rans.Block) { clear(b.Words) },
	rans.WordsLeft.String(): func(b rans.Block) { copy(b.States, bytes.Repeat([]byte{0xff}, len(b.States))) },
}

// TestRANSDamage damages a tensor of a unit in every way, once in its first block and once in its last one. All decoders have the
// error of the reference, and decode the other tensors.
func TestRANSDamage(t *testing.T) {
	weights := samples.Trained(3*999+250, 5)
	for i := 7; i < len(weights); i += 40 {
		weights[i] = uint16(i * 37)
	}
	list := []matrix{
		{"a.first", 40, 64, 640, samples.Trained(40*64, 4)},
		{"a.second", 1, len(weights), 999, weights},
		{"a.third", 4, 64, 64, samples.Trained(256, 6)},
	}
	met := map[string]bool{}
	for name, damage := range ransDamages {
		for _, form := range ransForms {
			for _, block := range []int{0, 3} {
				var want error
				path := writeRANS(t, form, list, func(tensor string, x *rans.Tensor) {
					if tensor != "a.second" {
						return
					}
					_, layout, err := x.Validate()
					if err != nil {
						t.Fatal(err)
					}
					damage(x.Block(layout, block))
					_, want = rans.Decode(&x.Stream)
				})
				var broken *rans.BlockError
				if errors.As(want, &broken) && broken.Cause.String() == name {
					met[name] = true
				}
				eachDecoder(t, func(t *testing.T, decoder string) {
					m := open(t, path, WithDecoder(decoder), WithWorkers(2))
					for tensor, x := range map[string]matrix{"a.first": list[0], "a.third": list[2]} {
						decodeTensor(t, m, tensor, x.weights)
					}
					for range 2 {
						for what, err := range map[string]error{
							"unit":   m.DecodeUnit(t.Context(), "a", make([]uint16, m.Units()[0].Elements)),
							"tensor": m.DecodeTensor(t.Context(), "a.second", make([]uint16, len(weights))),
						} {
							if err == nil || want == nil || !strings.HasSuffix(err.Error(), fmt.Sprintf(`: unit "a": tensor "a.second": %v`, strings.TrimPrefix(want.Error(), "rans: "))) {
								t.Errorf("%s, %v, block %d: error of the %s %v, want %v", name, form, block, what, err, want)
							}
						}
					}
				})
			}
		}
	}
	if len(met) != len(ransDamages) {
		t.Errorf("only met %v", met)
	}
}

// TestRANSChecks flips a bit of a plane, so that decoders decode another weight without an error.
func TestRANSChecks(t *testing.T) {
	short, rare := sampleMatrices()[1], sampleMatrices()[2]
	units := []testUnit{{name: "a", weights: slices.Concat(rare.weights, short.weights)}} // in the order of their names
	path := writeRANS(t, rans.Exponent, []matrix{short, rare}, func(name string, x *rans.Tensor) {
		if name == "a.rare" {
			x.Plane[2*len(x.Plane)/3] ^= 1
		}
	})
	eachDecoder(t, func(t *testing.T, decoder string) {
		m := openSummed(t, path, units, none, WithDecoder(decoder))
		got := make([]uint16, len(units[0].weights))
		for _, err := range []error{
			m.DecodeUnit(t.Context(), "a", got),
			m.DecodeTensor(t.Context(), "a.rare", got[:len(rare.weights)]),
		} {
			if e, ok := errors.AsType[*SumError](err); !ok || e.Tensor != "a.rare" || e.Want != sumOf(rare.weights) {
				t.Errorf("error %v", err)
			}
		}
		decodeTensor(t, m, "a.short", short.weights)
		unchecked := open(t, path, WithDecoder(decoder))
		if err := unchecked.DecodeUnit(t.Context(), "a", got); err != nil || slices.Equal(got, units[0].weights) {
			t.Errorf("error %v", err)
		}
	})
}

// TestMatrix compares products of every codec with those of the weights, bit for bit.
func TestMatrix(t *testing.T) {
	list := sampleMatrices()
	paths := map[string]string{}
	for _, form := range ransForms {
		paths[form.String()] = writeRANS(t, form, list, nil)
	}
	each(t, onCPU(), func(t *testing.T, decoder string) {
		for codec, path := range paths {
			m := open(t, path, WithDecoder(decoder), WithWorkers(2))
			for _, x := range list {
				w := samples.Must(m.Matrix(x.name))
				if w.Rows != x.rows || w.Columns != x.columns {
					t.Errorf("%s: %d rows, %d columns", x.name, w.Rows, w.Columns)
				}
				for _, batch := range []int{1, 3, 9} {
					compareProducts(t, codec+" "+x.name, w, x.weights, batch)
				}
			}
		}
		u := sampleUnits()[2]
		var entries []model.Entry
		entries = append(entries, model.UnitEntries("u", samples.Must(codebook.Encode(u.book, u.weights)), nil)...)
		dir := t.TempDir()
		if err := model.WriteFile(filepath.Join(dir, "u.safetensors"), entries, nil); err != nil {
			t.Fatal(err)
		}
		file := samples.Must(model.OpenContainer(dir))
		file.Units[0].Tensors[0].Shape = []uint64{100, 700}
		m := samples.Must(New(file, WithDecoder(decoder), WithWorkers(2)))
		defer m.Close()
		w := samples.Must(m.Matrix("u.weight"))
		for _, batch := range []int{1, 4} {
			compareProducts(t, "df11", w, u.weights, batch)
		}
	})
}

// compareProducts compares products of a matrix with those of its weights.
func compareProducts(t *testing.T, what string, w *Matrix, weights []uint16, batch int) {
	t.Helper()
	r := samples.NewRand(9)
	x := make([]uint16, batch*w.Columns)
	for i := range x {
		x[i] = uint16(math.Float32bits(float32(r.NormFloat64())) >> 16)
	}
	got, want := make([]float32, batch*w.Rows), make([]float32, batch*w.Rows)
	if err := w.MultiplyBF16(t.Context(), x, got, batch); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if err := MultiplyWeights(weights, w.Columns, widen(x), want, batch); err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) && (got[i] == got[i] || want[i] == want[i]) {
			t.Fatalf("%s, %d vectors: result %d is %g, want %g", what, batch, i, got[i], want[i])
		}
	}
	// It is the product, too.
	for row := range w.Rows {
		sum, size := 0.0, 0.0
		for c := range w.Columns {
			p := float64(math.Float32frombits(uint32(weights[row*w.Columns+c])<<16)) * float64(math.Float32frombits(uint32(x[c])<<16))
			sum, size = sum+p, size+math.Abs(p)
		}
		if math.Abs(sum-float64(want[row])) > 1e-5*size {
			t.Fatalf("%s: row %d is %g, want %g", what, row, want[row], sum)
		}
	}
}

// TestMatrixRefuses calls Matrix and Multiply with what does not fit.
func TestMatrixRefuses(t *testing.T) {
	m := open(t, writeRANS(t, rans.Exponent, sampleMatrices(), nil))
	if _, err := m.Matrix("nothing"); err == nil {
		t.Error("a matrix of nothing")
	}
	w := samples.Must(m.Matrix("b.odd"))
	for _, c := range []struct {
		x, y, batch int
		want        string
	}{
		{100, 33, 0, "0 vectors"}, {99, 33, 1, "x has 99"}, {100, 34, 1, "y has 34"}, {200, 33, 2, "y has 33"}, {100, 66, 2, "x has 100"},
	} {
		err := w.Multiply(t.Context(), make([]float32, c.x), make([]float32, c.y), c.batch)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "b.odd") {
			t.Errorf("%+v: error %v", c, err)
		}
	}
	for _, columns := range []int{0, 3} {
		if err := MultiplyWeights(make([]uint16, 4), columns, nil, nil, 1); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("rows of %d", columns)) {
			t.Errorf("error %v", err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Multiply(t.Context(), make([]float32, 100), make([]float32, 33), 1); !errors.Is(err, ErrClosed) {
		t.Errorf("error %v", err)
	}
}
