package kernel

import (
	"fmt"
	"hash/fnv"
	"reflect"
	"testing"
)

// layouts are what the contract looked like at each version of it.
var layouts = map[int]uint64{
	1: 0xbcddac9987b5e84,
}

// TestABI holds the contract with generated decoders to its version: whoever changes what they find where raises ABI, and
// notes the layout here.
func TestABI(t *testing.T) {
	h := fnv.New64a()
	for _, of := range []reflect.Type{reflect.TypeFor[WindowJob](), reflect.TypeFor[WindowTables]()} {
		describe(h, of)
	}
	fmt.Fprint(h, ScratchGaps, ScratchPlanes, PlaneGroup, ScratchSteps, StepHalf, StepGroup, ScratchRows, RowPhase, RowGroup, ScratchPending,
		WindowMerge, BlockBytes, BlockGaps, NoGap, OtherGap, NoSymbol, BlockDone, BlockFailed, BlockOverflow)
	if got := h.Sum64(); got != layouts[ABI] {
		t.Errorf("the contract is %#x, at version %d it was %#x: raise ABI", got, ABI, layouts[ABI])
	}
}

// describe writes names, types and offsets of the fields of a struct that generated code may know, and of those in it.
func describe(h interface{ Write([]byte) (int, error) }, of reflect.Type) {
	for i := range of.NumField() {
		f := of.Field(i)
		if !f.IsExported() {
			continue
		}
		fmt.Fprintln(h, f.Name, f.Type, f.Offset)
		if f.Type.Kind() == reflect.Struct {
			describe(h, f.Type)
		}
	}
}
