package runtime

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime/internal/coded"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
)

// sumOf returns the sum of weights.
func sumOf(weights []uint16) model.TensorSum {
	b := make([]byte, 0, 2*len(weights))
	for _, w := range weights {
		b = binary.LittleEndian.AppendUint16(b, w)
	}
	return model.SumTensor(b)
}

// openSummed opens a checkpoint of units, with checks. It has the sums of their tensors, except those that drop
// selects.
func openSummed(tb testing.TB, path string, units []testUnit, drop func(tensor string) bool, opts ...Option) *Model {
	tb.Helper()
	file, err := model.OpenContainer(path)
	if err != nil {
		tb.Fatal(err)
	}
	for i, u := range file.Units {
		for j := range u.Tensors {
			if t := &u.Tensors[j]; !drop(t.Name) {
				sum := sumOf(units[i].weights[t.Offset : t.Offset+t.Elements])
				t.Sum = &sum
			}
		}
	}
	m, err := New(file, append(opts, WithChecks(CheckAlways))...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { m.Close() })
	return m
}

func none(string) bool { return false }

// summedUnits returns units whose tensors have many sum blocks, one block, one element or none. The borders of the
// tensors are in the middle of chunks, blocks and lines.
func summedUnits(index codebook.Index) []testUnit {
	limited, published := samples.Books()[1], samples.Books()[5]
	weights := slices.Concat(limited.Weights, limited.Weights, limited.Weights, limited.Weights, limited.Weights)
	units := []testUnit{
		{name: "empty", book: limited.Book},
		{name: "large", book: limited.Book, weights: weights, splits: []uint64{3, 3, 300_000, 300_001, 300_001 + 2*coded.BlockElements}},
		{name: "one", book: published.Book, weights: published.Weights[:100_000]},
	}
	for i := range units {
		units[i].damage = samples.Indexed(units[i].book, units[i].weights, index)
	}
	return units
}

// TestChecks decodes sound tensors with their sums.
func TestChecks(t *testing.T) {
	for index := range codebook.IndexNames() {
		units := summedUnits(codebook.Index(index))
		path := write(t, units...)
		eachDecoder(t, func(t *testing.T, decoder string) {
			for _, workers := range []int{1, 3} {
				if workers > 1 && decoder == CUDA {
					continue
				}
				t.Run(fmt.Sprintf("index=%v/workers=%d", codebook.Index(index), workers), func(t *testing.T) {
					m := openSummed(t, path, units, none, WithDecoder(decoder), WithWorkers(workers))
					if with, all := m.Sums(); with != 8 || all != 8 {
						t.Errorf("%d of %d tensors have sums", with, all)
					}
					for _, u := range units {
						decodeUnit(t, m, u)
						for _, x := range m.byName[u.name].Tensors {
							p := m.byName[u.name].coded.Tensors[m.tensors[x.Name].number]
							decodeTensor(t, m, x.Name, u.weights[p.From:p.To])
							got := make([]uint16, p.To-p.From)
							if err := m.DecodePart(t.Context(), x.Name, 0, got); err != nil || !slices.Equal(got, u.weights[p.From:p.To]) {
								t.Errorf("tensor %s: wrong weights or error %v", x.Name, err)
							}
						}
					}
					decodeAll(t, m, units)
				})
			}
		})
	}
}

// TestChecksFail flips a bit of a tensor, so that decoders decode another weight without an error.
func TestChecksFail(t *testing.T) {
	units := summedUnits(codebook.IndexBoth)
	const name, first = "large[4]", 300_001 // of the tensor
	weights := units[1].weights[first : first+2*coded.BlockElements]
	sound := write(t, units...)
	for _, element := range []int{0, coded.BlockElements - 1, coded.BlockElements, 2*coded.BlockElements - 1} {
		path := flipped(t, sound, "large.sign_mantissa", first+element)
		changed := slices.Clone(weights)
		changed[element] ^= 1
		want := SumError{Tensor: name, Have: sumOf(changed), Want: sumOf(weights)}
		eachDecoder(t, func(t *testing.T, decoder string) {
			if element > 0 && decoder == CUDA { // whose stand-in takes long
				return
			}
			t.Run(fmt.Sprint(element), func(t *testing.T) {
				checkFailure(t, openSummed(t, path, units, none, WithDecoder(decoder), WithWorkers(2)), units, want, element)

				// The tensor is not compared if it has no sum, or without checks.
				other := openSummed(t, path, units, func(tensor string) bool { return tensor == name }, WithDecoder(decoder))
				if with, all := other.Sums(); with != 7 || all != 8 {
					t.Errorf("%d of %d tensors have sums", with, all)
				}
				unchecked := open(t, path, WithDecoder(decoder))
				if with, all := unchecked.Sums(); with != 0 || all != 8 {
					t.Errorf("%d of %d tensors have sums", with, all)
				}
				for _, m := range []*Model{other, unchecked} {
					decodeTensor(t, m, name, changed)
					if err := m.DecodeUnit(t.Context(), "large", make([]uint16, len(units[1].weights))); err != nil {
						t.Errorf("error %v", err)
					}
				}
			})
		})
	}
}

// TestCheckFirst replaces the sum of a tensor, before it was decoded and after. Once the tensor had its sum, it
// must be compared again only with CheckAlways.
func TestCheckFirst(t *testing.T) {
	units := summedUnits(codebook.IndexGaps)
	path := write(t, units...)
	const name, n = "large[4]", 2 * coded.BlockElements
	calls := map[string]func(m *Model) error{
		"unit":   func(m *Model) error { return m.DecodeUnit(t.Context(), "large", make([]uint16, len(units[1].weights))) },
		"tensor": func(m *Model) error { return m.DecodeTensor(t.Context(), name, make([]uint16, n)) },
		"all":    func(m *Model) error { return m.DecodeAll(t.Context(), func(Unit, []uint16) error { return nil }) },
	}
	eachDecoder(t, func(t *testing.T, decoder string) {
		for how, call := range calls {
			if how != "tensor" && decoder == CUDA { // whose stand-in takes long
				continue
			}
			for _, checks := range []Checks{CheckFirst, CheckAlways} {
				t.Run(fmt.Sprintf("%s/%d", how, checks), func(t *testing.T) {
					m := openSummed(t, path, units, none, WithDecoder(decoder), WithWorkers(2))
					m.checks = checks
					sum := m.units[1].coded.Tensors[m.tensors[name].number].Sum
					right, wrong := sum.TensorSum, model.SumTensor(nil)

					sum.TensorSum = wrong
					for range 2 {
						if _, ok := errors.AsType[*SumError](call(m)); !ok {
							t.Error("another sum is not noticed")
						}
					}
					if err := m.DecodePart(t.Context(), name, 1, make([]uint16, n-1)); err != nil {
						t.Errorf("part: error %v", err)
					}
					if _, ok := errors.AsType[*SumError](call(m)); !ok {
						t.Error("after a part another sum is not noticed")
					}
					sum.TensorSum = right
					if err := call(m); err != nil {
						t.Errorf("error %v", err)
					}
					sum.TensorSum = wrong
					if _, ok := errors.AsType[*SumError](call(m)); ok != (checks == CheckAlways) {
						t.Errorf("another sum is noticed after the first time: %v", ok)
					}
				})
			}
		}
	})
}

// checkFailure decodes a checkpoint in which an element of the tensor that want names is changed.
func checkFailure(t *testing.T, m *Model, units []testUnit, want SumError, element int) {
	ctx := t.Context()
	got := make([]uint16, len(units[1].weights))
	visits := 0
	for what, err := range map[string]error{
		"unit":   m.DecodeUnit(ctx, "large", got),
		"tensor": m.DecodeTensor(ctx, want.Tensor, got[:2*coded.BlockElements]),
		"part":   m.DecodePart(ctx, want.Tensor, 0, got[:2*coded.BlockElements]),
		"all":    m.DecodeAll(ctx, func(Unit, []uint16) error { visits++; return nil }),
	} {
		e, ok := errors.AsType[*SumError](err)
		if !ok || *e != want {
			t.Errorf("%s: error %v, want %v", what, err, &want)
			continue
		}
		for _, part := range []string{m.path, `unit "large"`, fmt.Sprintf("tensor %q", want.Tensor), want.Have.String(), want.Want.String()} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: error %q lacks %q", what, err, part)
			}
		}
	}
	if visits != 1 {
		t.Errorf("%d visits, want 1", visits)
	}
	// A part is not compared, even if it has the whole block. The other tensors are right.
	if err := m.DecodePart(ctx, want.Tensor, 0, got[:2*coded.BlockElements-1]); err != nil {
		t.Errorf("part: error %v", err)
	}
	if err := m.DecodePart(ctx, want.Tensor, element, got[:1]); err != nil {
		t.Errorf("element: error %v", err)
	}
	decodeTensor(t, m, "large[2]", units[1].weights[3:300_000])
	decodeTensor(t, m, "large[5]", units[1].weights[300_001+2*coded.BlockElements:])
	decodeUnit(t, m, units[2])
}

// flipped returns the path of a copy of a file with the lowest bit of a byte of a tensor flipped.
func flipped(t *testing.T, path, tensor string, i int) string {
	t.Helper()
	f, err := model.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	x := f.Tensor(tensor)
	content := slices.Clone(f.Content())
	content[len(f.Start())+int(x.Begin)+i] ^= 1
	path = filepath.Join(t.TempDir(), "model.safetensors")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestChecksOfNothing checks tensors without elements. Their sum is the sum of no bytes.
func TestChecksOfNothing(t *testing.T) {
	units := summedUnits(codebook.IndexGaps)
	eachDecoder(t, func(t *testing.T, decoder string) {
		m := openSummed(t, write(t, units...), units, none, WithDecoder(decoder))
		m.units[0].coded.Tensors[0].Sum = coded.NewSum(new(model.TensorSum))
		m.units[1].coded.Tensors[1].Sum = coded.NewSum(new(model.TensorSum))
		if err := m.DecodeUnit(t.Context(), "empty", nil); !isSumError(err, "empty.weight") {
			t.Errorf("error %v", err)
		}
		if err := m.DecodeTensor(t.Context(), "large[1]", nil); !isSumError(err, "large[1]") {
			t.Errorf("error %v", err)
		}
		if err := m.DecodeUnit(t.Context(), "large", make([]uint16, len(units[1].weights))); !isSumError(err, "large[1]") {
			t.Errorf("error %v", err)
		}
		decodeTensor(t, m, "large[2]", units[1].weights[3:300_000])
		if err := m.DecodeAll(t.Context(), func(Unit, []uint16) error { return nil }); !isSumError(err, "empty.weight") {
			t.Errorf("error %v", err)
		}
	})
}

func isSumError(err error, tensor string) bool {
	e, ok := errors.AsType[*SumError](err)
	return ok && e.Tensor == tensor && e.Have == model.SumTensor(nil)
}
