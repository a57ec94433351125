//go:build cuda

package main

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/seed54244801/bespoke/internal/cuda/gpu"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
)

//go:embed gemv.ptx
var gemvPTX string

// The columns of the matrix that decoded weights are taken for, and the threads for a row.
const (
	gemvColumns = 8192
	gemvThreads = 256
)

// timeGEMV multiplies the matrix of the weights in the slot, which were decoded right before, by a vector of ones,
// and checks the product. If timed is set, it returns how long the product takes and the number of weights.
func timeGEMV(slot *gpu.Slot, weights []uint16, timed bool) (took time.Duration, n int, err error) {
	rows := len(weights) / gemvColumns
	if rows == 0 {
		return 0, 0, nil
	}
	module, err := slot.Device.Load([]gpu.Image{{Form: "PTX", Code: gemvPTX}})
	if err != nil {
		return 0, 0, err
	}
	k, err := module.Kernel(&launch.Launch{Entry: "gemv", Threads: gemvThreads})
	if err != nil {
		return 0, 0, err
	}
	vector, err := slot.Device.Alloc(4*gemvColumns, "a vector")
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, vector.Free()) }()
	product, err := slot.Device.Alloc(4*int64(rows), "a product")
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, product.Free()) }()
	ones := slices.Repeat([]uint16{one}, gemvColumns)
	if err := slot.Fill(vector, math.Float32bits(1)); err != nil {
		return 0, 0, err
	}
	multiply := func() error {
		return slot.Launch(k, rows, uint64(slot.Weights.Address), uint64(vector.Address), uint64(product.Address), gemvColumns)
	}
	if err := multiply(); err != nil {
		return 0, 0, err
	}
	if err := slot.Wait("multiply"); err != nil {
		return 0, 0, err
	}
	got, err := product.Read()
	if err != nil {
		return 0, 0, err
	}
	for i := range rows {
		got := float64(math.Float32frombits(binary.LittleEndian.Uint32(got[4*i:])))
		if want, size := dot(weights[gemvColumns*i:][:gemvColumns], ones); !(math.Abs(got-want) <= bound(gemvColumns)*size) {
			return 0, 0, fmt.Errorf("row %d of the matrix-vector product is %g, want %g", i, got, want)
		}
	}
	if !timed {
		return 0, 0, nil
	}
	took, err = median(slot, multiply)
	return took, rows * gemvColumns, err
}
