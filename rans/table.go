package rans

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

const (
	// Buckets is the number of buckets, and the largest number of symbols in a table.
	Buckets = 32
	// Scale is the sum of the frequencies of a table.
	Scale = 1 << 12
	// TableBytes is the size of a table in a stream.
	TableBytes = 4 * Buckets
)

// cells is the number of cells of all buckets, bucketCells that of one.
const cells, bucketCells = 1 << 16, 1 << 16 / Buckets

// A Table gives symbols frequencies.
type Table struct {
	// Symbols are different from each other. The first stands for those that the table lacks.
	Symbols []uint16
	// Frequencies are at least 1 each, and sum to [Scale].
	Frequencies []uint16
}

// NewTable returns a table for weights with the given counts: of all symbols that occur, or, if there are more than
// [Buckets], the table with which the weights take the fewest bits, patches included. A table without patches is a little
// larger, and makes products of matrices faster. counts has a number for each symbol of the form; they sum to less than
// 2^56.
func NewTable(f Form, counts []uint64) (*Table, error) {
	if len(counts) != f.Symbols() {
		return nil, fmt.Errorf("rans: %d counts, want one for each of %d symbols", len(counts), f.Symbols())
	}
	var order []uint16 // the symbols that occur, the most frequent first
	total := 0.0
	for s, n := range counts {
		if n > 0 {
			order = append(order, uint16(s))
		}
		total += float64(n)
	}
	if total >= 1<<56 {
		return nil, fmt.Errorf("rans: counts of %g weights, want less than 2^56", total)
	}
	slices.SortStableFunc(order, func(a, b uint16) int { return cmp.Compare(counts[b], counts[a]) })
	// Two symbols are the fewest: a frequency is less than the sum.
	for s := uint16(0); len(order) < 2; s++ {
		if !slices.Contains(order, s) {
			order = append(order, s)
		}
	}
	var best *Table
	least := math.Inf(1)
	few := 2
	if len(order) <= Buckets {
		few = len(order)
	}
	for n := few; n <= min(len(order), Buckets); n++ {
		t := &Table{Symbols: order[:n:n]}
		var bits float64
		if t.Frequencies, bits = quantise(order, n, counts); bits < least {
			best, least = t, bits
		}
	}
	return best, nil
}

// patchBits is the size of a patch.
const patchBits = 32

// quantise returns the best frequencies for the first n symbols, and the bits that all weights then take. The cost of a
// symbol is convex in its frequency. So a distribution is the best one if no step of one from a symbol to another makes
// it better.
func quantise(order []uint16, n int, counts []uint64) (frequencies []uint16, bits float64) {
	weight := make([]float64, n) // how many weights are coded as this symbol
	total, patched := 0.0, 0.0
	for i, s := range order {
		if c := float64(counts[s]); i < n {
			weight[i] += c
			total += c
		} else {
			weight[0] += c
			patched += c
			total += c
		}
	}
	frequencies = make([]uint16, n)
	sum := 0
	for i := range frequencies {
		frequencies[i] = 1
		if total > 0 {
			frequencies[i] = uint16(min(max(1, weight[i]/total*Scale), Scale-1))
		}
		sum += int(frequencies[i])
	}
	// gain is what one more for a symbol saves, loss what one less costs.
	gain := func(i int) float64 {
		f := float64(frequencies[i])
		return float64(weight[i] * (math.Log2(f+1) - math.Log2(f)))
	}
	loss := func(i int) float64 {
		f := float64(frequencies[i])
		if f == 1 {
			return math.Inf(1)
		}
		return float64(weight[i] * (math.Log2(f) - math.Log2(f-1)))
	}
	extreme := func(of func(int) float64, sign float64) (at int) {
		for i := range frequencies {
			if sign*of(i) > sign*of(at) {
				at = i
			}
		}
		return at
	}
	for {
		up, down := extreme(gain, 1), extreme(loss, -1)
		switch {
		case sum < Scale:
			frequencies[up]++
			sum++
		case sum > Scale:
			frequencies[down]--
			sum--
		case gain(up) > loss(down):
			frequencies[up]++
			frequencies[down]--
		default:
			bits = float64(patchBits * patched)
			for i, f := range frequencies {
				bits += float64(weight[i] * (math.Log2(Scale) - math.Log2(float64(f))))
			}
			return frequencies, bits
		}
	}
}

// Validate says what is wrong with a table.
func (t *Table) Validate(f Form) error {
	n := len(t.Symbols)
	if n < 2 || n > Buckets || len(t.Frequencies) != n {
		return fmt.Errorf("rans: table of %d symbols and %d frequencies, want 2 to %d", n, len(t.Frequencies), Buckets)
	}
	sum := 0
	for i, s := range t.Symbols {
		if int(s) >= f.Symbols() {
			return fmt.Errorf("rans: table: symbol %d, the largest is %d", s, f.Symbols()-1)
		}
		if slices.Contains(t.Symbols[:i], s) {
			return fmt.Errorf("rans: table: symbol %d occurs twice", s)
		}
		if t.Frequencies[i] == 0 {
			return fmt.Errorf("rans: table: symbol %d has frequency 0", s)
		}
		sum += int(t.Frequencies[i])
	}
	if sum != Scale {
		return fmt.Errorf("rans: table: the frequencies sum to %d, want %d", sum, Scale)
	}
	return nil
}

// Bytes returns the table as it lies in a stream.
func (t *Table) Bytes() []byte {
	b := make([]byte, TableBytes)
	for i, s := range t.Symbols {
		binary.LittleEndian.PutUint16(b[4*i:], s)
		binary.LittleEndian.PutUint16(b[4*i+2:], t.Frequencies[i])
	}
	return b
}

// ParseTable reads a table from a stream. The table is valid.
func ParseTable(f Form, b []byte) (*Table, error) {
	if len(b) != TableBytes {
		return nil, fmt.Errorf("rans: table of %d bytes, want %d", len(b), TableBytes)
	}
	t := new(Table)
	for i := range Buckets {
		symbol, frequency := binary.LittleEndian.Uint16(b[4*i:]), binary.LittleEndian.Uint16(b[4*i+2:])
		if frequency > 0 && len(t.Symbols) == i {
			t.Symbols = append(t.Symbols, symbol)
			t.Frequencies = append(t.Frequencies, frequency)
		} else if symbol|frequency != 0 {
			return nil, fmt.Errorf("rans: table: symbol %d with frequency %d behind %d symbols, want zeros", symbol, frequency, len(t.Symbols))
		}
	}
	return t, t.Validate(f)
}

// ExpectedBytes returns the size of a tensor in a file, coded with the table in blocks of a number of weights: about,
// because the states that a block starts with hold some bits of its first weights. counts is as for [NewTable].
func (t *Table) ExpectedBytes(f Form, counts []uint64, blockWeights int) uint64 {
	bits, weights := 0.0, uint64(0)
	var coded uint64
	for i, s := range t.Symbols {
		bits += float64(counts[s]) * (math.Log2(Scale) - math.Log2(float64(t.Frequencies[i])))
		coded += counts[s]
	}
	for _, n := range counts {
		weights += n
	}
	bits += float64(weights-coded) * (patchBits + math.Log2(Scale) - math.Log2(float64(t.Frequencies[0])))
	s := Tensor{Stream: Stream{Form: f, Weights: int(weights), BlockWeights: blockWeights}}
	return uint64(s.placesWith(s.Len()*stateBytes + int(bits/8)).end)
}
