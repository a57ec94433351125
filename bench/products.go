package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/seed54244801/bespoke/runtime"
)

// The contenders that multiply: y = Wx for every matrix W of a piece, one after the other.
const (
	bf16Name       = "bf16"
	matrixRANSName = "matrix-rans"
	matrixDF11Name = "matrix-df11"
)

// batches are the numbers of vectors x.
var batches = []int{1, 8, 16, 64}

// A multiplier multiplies with the matrices of a data set.
type multiplier interface {
	// multiply sets y to the products of the only tensor of a unit with a batch of vectors. It returns where result r of
	// vector i lies in y.
	multiply(unit, threads, batch int, x, y []float32) (at func(i, r int) int, err error)
}

// plain multiplies with weights that are not coded.
type plain struct {
	data    *dataSet
	weights []uint16
}

// multiply divides the rows among threads.
func (m *plain) multiply(unit, threads, batch int, x, y []float32) (at func(i, r int) int, err error) {
	t := m.data.tensors[unit][0]
	rows, columns := int(t.shape[0]), int(t.shape[1])
	each := (rows + threads - 1) / threads
	strips := equalSpans(rows, each)
	err = parallel(threads, len(strips), func(_, k int) error {
		s := strips[k]
		weights := m.weights[t.from+s.from*columns : t.from+s.to*columns]
		return runtime.MultiplyWeights(weights, columns, x, y[s.from*batch:s.to*batch], batch)
	})
	return func(i, r int) int {
		s := strips[r/each]
		return s.from*batch + i*s.len() + r - s.from
	}, err
}

// compressed multiplies with matrices that stay coded.
type compressed struct {
	matrices map[int][]*runtime.Matrix // by number of threads, by unit
}

func newCompressed(c *coded, threads []int) (*compressed, error) {
	m := &compressed{matrices: make(map[int][]*runtime.Matrix)}
	file := c.checkpoint()
	for _, n := range threads {
		opened, err := runtime.New(file, runtime.WithWorkers(n))
		if err != nil {
			return nil, err
		}
		for _, u := range c.units {
			w, err := opened.Matrix(u.Tensors[0].Name)
			if err != nil {
				return nil, err
			}
			m.matrices[n] = append(m.matrices[n], w)
		}
	}
	return m, nil
}

func (m *compressed) multiply(unit, threads, batch int, x, y []float32) (at func(i, r int) int, err error) {
	w := m.matrices[threads][unit]
	return func(i, r int) int { return i*w.Rows + r }, w.Multiply(context.Background(), x, y, batch)
}

// products returns the contenders that multiply with the matrices of d, each of which is a unit.
func (b *bench) products(d *dataSet) ([]contender, error) {
	bf16 := &plain{d, slices.Clone(d.weights)}
	list := b.multipliers(bf16Name, d, bf16, 16)
	add := func(name string, c *coded, err error) error {
		if err != nil {
			return err
		}
		m, err := newCompressed(c, b.threads)
		if err != nil {
			return err
		}
		if err := b.compare(d, m, bf16); err != nil {
			return fmt.Errorf("%s: %s: %w", d.name, name, err)
		}
		list = append(list, b.multipliers(name, d, m, c.bitsPerWeight())...)
		return nil
	}
	for _, form := range forms {
		c, err := codeRANS(d, form)
		if err := add(matrixRANSName+formSuffix(form), c, err); err != nil {
			return nil, err
		}
	}
	c, err := code(d, "model")
	return list, add(matrixDF11Name, c, err)
}

// multipliers returns a contender for every number of threads and of vectors.
func (b *bench) multipliers(name string, d *dataSet, m multiplier, bits float64) []contender {
	byPiece := d.unitsByPiece()
	x := vectors(d)
	y := make([]float32, mostRows(d)*slices.Max(batches))
	var list []contender
	for _, n := range b.threads {
		for _, batch := range batches {
			list = append(list, contender{name: name, threads: n, batch: batch, bits: bits, work: timed(func(p int) (weights int, err error) {
				for _, unit := range byPiece[p] {
					t := d.tensors[unit][0]
					rows, columns := int(t.shape[0]), int(t.shape[1])
					if _, err := m.multiply(unit, n, batch, x[:batch*columns], y[:batch*rows]); err != nil {
						return 0, err
					}
					weights += t.len()
				}
				return weights, nil
			})})
		}
	}
	return list
}

// compare fails unless all products of m and of want, with one thread, have the same bits.
func (b *bench) compare(d *dataSet, m, want multiplier) error {
	x := vectors(d)
	got, exact := make([]float32, mostRows(d)*slices.Max(batches)), make([]float32, mostRows(d)*slices.Max(batches))
	for unit := range d.units {
		shape := d.tensors[unit][0].shape
		rows, columns := int(shape[0]), int(shape[1])
		for _, batch := range batches {
			x := x[:batch*columns]
			exactAt, err := want.multiply(unit, 1, batch, x, exact[:batch*rows])
			if err != nil {
				return err
			}
			for _, n := range b.threads {
				clear(got)
				at, err := m.multiply(unit, n, batch, x, got[:batch*rows])
				if err != nil {
					return err
				}
				for i := range batch {
					for r := range rows {
						if g, e := got[at(i, r)], exact[exactAt(i, r)]; math.Float32bits(g) != math.Float32bits(e) {
							return fmt.Errorf("matrix %d, batch %d, %d threads: result %d of vector %d is %v, want %v", unit, batch, n, r, i, g, e)
						}
					}
				}
			}
		}
	}
	return nil
}

// vectors returns numbers for the largest batch with any matrix of d, the same at every call.
func vectors(d *dataSet) []float32 {
	columns := 0
	for _, t := range d.tensors {
		columns = max(columns, int(t[0].shape[1]))
	}
	r := rand.New(rand.NewPCG(11, 2))
	x := make([]float32, columns*slices.Max(batches))
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// mostRows returns the number of rows of the matrix of d that has the most.
func mostRows(d *dataSet) int {
	rows := 0
	for _, t := range d.tensors {
		rows = max(rows, int(t[0].shape[0]))
	}
	return rows
}
