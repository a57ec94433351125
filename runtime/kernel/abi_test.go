package kernel

import (
	"fmt"
	"hash/fnv"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/internal/windows"
)

// layouts are the hashes of the contract at each version.
var layouts = map[int]uint64{
	1: 0x3c3ab3fbd870c105,
}

// TestABI compares the contract with the hash of its version. A change of the contract has to raise ABI, and to add
// the new hash to layouts.
func TestABI(t *testing.T) {
	h := fnv.New64a()
	for _, of := range []reflect.Type{reflect.TypeFor[windows.Job](), reflect.TypeFor[windows.Tables]()} {
		describe(h, of)
	}
	fmt.Fprint(h, windows.ScratchGaps, windows.ScratchPlanes, windows.PlaneGroup, windows.ScratchSteps, windows.StepHalf, windows.StepGroup,
		windows.ScratchRows, windows.RowPhase, windows.RowGroup, windows.ScratchPending, windows.MergeWords, windows.BlockBytes, windows.BlockGaps,
		windows.NoGap, windows.OtherGap, windows.NoSymbol, windows.BlockDone, windows.BlockFailed, windows.BlockOverflow)
	fmt.Fprint(h, launch.RansTableBytes, launch.RansMatrixBytes, launch.OfRans())
	if got := h.Sum64(); got != layouts[ABI] {
		t.Errorf("the contract is %#x, at version %d it was %#x: raise ABI", got, ABI, layouts[ABI])
	}
}

// describe writes names, types and offsets of the exported fields of a struct, and of the structs in it. It leaves
// out the name of the package.
func describe(w io.Writer, of reflect.Type) {
	for i := range of.NumField() {
		f := of.Field(i)
		if !f.IsExported() {
			continue
		}
		fmt.Fprintln(w, f.Name, strings.ReplaceAll(f.Type.String(), "windows.", ""), f.Offset)
		if f.Type.Kind() == reflect.Struct {
			describe(w, f.Type)
		}
	}
}
