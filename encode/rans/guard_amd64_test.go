//go:build amd64 && !purego && unix

package rans

import (
	"encoding/binary"
	"testing"
	"unsafe"

	"github.com/seed54244801/bespoke/internal/guard"
	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
)

// TestAssemblyBounds runs the assembly with every buffer just as large as its caller promises, between pages that must not
// be touched: the tables too, and the words no larger than they turn out to be, with what may be written before them.
func TestAssemblyBounds(t *testing.T) {
	if len(families()) == 0 {
		t.Skip("no assembly for this CPU")
	}
	each(func(family string) {
		for _, f := range forms {
			weights := trained(64*300, 9)
			e, err := New(f, tableFor(t, f, weights))
			if err != nil {
				t.Fatal(err)
			}
			for _, steps := range []int{1, 2, 300} {
				for i, encode := range encoders(f) {
					for _, of := range []func(testing.TB, int) []byte{guard.Before, guard.After} {
						if !checkBounds(t, e, encode, littleEndian(weights[:64*steps], false), i+1, family, of) {
							t.Errorf("%s, %v: %d blocks of %d steps: other words", family, f, i+1, steps)
						}
					}
				}
			}
		}
	})
}

// checkBounds codes the same block, of whole steps, several times side by side, with memory from a function. It reports whether
// the words are right.
func checkBounds(t *testing.T, e *Encoder, encode states.Encoder, plain []byte, blocks int, family string, of func(testing.TB, int) []byte) bool {
	before := 0
	if family == "AVX2" {
		before = states.EncodeSpill
	}
	planeBytes := e.form.PlaneBytes(len(plain) / 2)
	reference := new(work)
	without(len(families()), func() {
		e.begin(reference, make([]byte, planeBytes), plain)
		e.wholeSteps(reference)
	})
	want := reference.words[reference.left:]
	tables, job := &guard.BeforeOf[states.EncodeTables](t, 1)[0], &guard.AfterOf[states.EncodeJob](t, 1)[0]
	*tables = *e.tables
	job.Tables, job.Steps = tables, uint64(len(plain)/stepBytes)
	var words, planes [states.EncodeBlocks][]byte
	for k := range blocks {
		in := of(t, len(plain))
		copy(in, plain)
		words[k], planes[k] = of(t, before+len(want)), of(t, planeBytes)
		job.Weights[k], job.Plane[k] = &in[0], &planes[k][0]
		job.Patched[k] = &guard.BeforeOf[uint64](t, len(plain)/stepBytes)[0]
		job.Words[k], job.Left[k] = unsafe.SliceData(words[k]), uint64(len(words[k]))
		for i := range rans.States {
			job.States[k][1][i] = 1
		}
	}
	encode(job)
	right := true
	for k := range blocks {
		right = right && int(job.Left[k]) == before && string(words[k][before:]) == string(want) && string(planes[k]) == string(reference.plane)
	}
	return right
}

// TestCountBounds counts symbols all of which are copied, and none.
func TestCountBounds(t *testing.T) {
	if len(families()) == 0 {
		t.Skip("no assembly for this CPU")
	}
	each(func(family string) {
		count := counter()
		if count == nil {
			return
		}
		for _, steps := range []int{1, 6, 7, 8, 15, 16, mostSteps} {
			for _, outside := range []bool{false, true} {
				for _, of := range []func(testing.TB, int) []byte{guard.Before, guard.After} {
					in, others := of(t, steps*stepBytes), of(t, max(1, steps*stepBytes))
					counts := guard.BeforeOf[[8]uint64](t, runSymbols)
					for i := 0; i < len(in); i += 2 {
						symbol := uint16(200 + i/2%runSymbols)
						if outside && i%stepBytes == 2*(i/stepBytes%rans.States) {
							symbol += runSymbols
						}
						binary.LittleEndian.PutUint16(in[i:], rans.Joint.Join(symbol, byte(i)&127))
					}
					copied, want := count(&in[0], steps, 200, &counts[0], &others[0]), 0
					if outside {
						want = steps
					}
					total := uint64(0)
					for _, sums := range counts {
						for _, sum := range sums {
							total += sum
						}
					}
					if copied != want || total != uint64(rans.States*steps-want) || outside && string(others) != string(in) {
						t.Errorf("%s, %d steps: %d copied, want %d; %d counted", family, steps, copied, want, total)
					}
				}
			}
		}
	})
}
