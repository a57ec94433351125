package avo

import (
	"fmt"
	"go/token"
	"slices"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed54244801/bespoke/internal/windows"
)

// Windows is the name and the shape of a decoder of windows, for AVX-512: see windows.Decoder.
type Windows struct {
	// Name is the name of the function, a Go identifier.
	Name string
	// Long lists the steps of half a phase that look up long codes, too: 0 to 3, ascending. It is empty for a book
	// without long codes. A lane that comes to a long code in another step waits for the next step in the list.
	Long []int
	// Wide says that long codes are looked up with windows.WideBits bits behind their prefix. Otherwise it is
	// windows.NarrowBits, which takes less work.
	Wide bool
	// Merges is the number of merges between the steps of half a phase, 0 to MaxMerges. It should be about the
	// number of merges that half a phase decodes symbols for.
	Merges int
}

// AnyWindows returns the shape that package runtime uses for any code book.
func AnyWindows(name string) Windows {
	return Windows{Name: name, Long: []int{1, 3}, Wide: true, Merges: 6}
}

// Validate reports the first parameter that is out of range.
func (w *Windows) Validate() error {
	switch {
	case !token.IsIdentifier(w.Name):
		return fmt.Errorf("avo: %q is not a Go identifier", w.Name)
	case !slices.IsSorted(w.Long) || len(slices.Compact(slices.Clone(w.Long))) < len(w.Long):
		return fmt.Errorf("avo: %s: long codes in steps %v, want them ascending", w.Name, w.Long)
	case w.Wide && len(w.Long) == 0:
		return fmt.Errorf("avo: %s: wide, without long codes", w.Name)
	case w.Merges < 0 || w.Merges > MaxMerges:
		return fmt.Errorf("avo: %s: %d merges in half a phase, want 0 to %d", w.Name, w.Merges, MaxMerges)
	case len(w.Long) > 0 && (w.Long[0] < 0 || w.Long[len(w.Long)-1] >= halfSteps):
		return fmt.Errorf("avo: %s: long codes in steps %v, want 0 to %d", w.Name, w.Long, halfSteps-1)
	}
	return nil
}

// halfSteps is the number of steps that are written out in the assembly: half a phase.
const halfSteps = windows.PhaseSteps / 2

// MaxMerges is the largest number of merges that half a phase can decode symbols for. All codes then have 2 bits.
const MaxMerges = windows.BlockWindows * windows.RowSymbols / windows.MergeWords / (2 * windows.Phases)

// describe says what the decoder does. The text follows its name.
func (w *Windows) describe() string {
	if len(w.Long) == 0 {
		return fmt.Sprintf("decodes windows of codes of at most %d bits.", windows.ShortBits)
	}
	return fmt.Sprintf("decodes windows: codes of more than %d bits by %d behind their prefix, in %d of %d steps.",
		windows.ShortBits, w.LongBits(), len(w.Long), halfSteps)
}

// LongBits is the number of bits behind the prefix that index the table of long codes.
func (w *Windows) LongBits() int {
	if w.Wide {
		return windows.WideBits
	}
	return windows.NarrowBits
}

// windowDecoder emits a decoder of windows.
type windowDecoder struct {
	*build.Context
	w *Windows
	c windowConstants

	job, scratch reg.GPVirtual
	aside        []func() // emit the code behind the end, for words that go through the caches
}

func newWindowDecoder(ctx *build.Context, w *Windows, c windowConstants) *windowDecoder {
	return &windowDecoder{Context: ctx, w: w, c: c}
}

// emit writes the whole function.
func (d *windowDecoder) emit() {
	d.Function(d.w.Name)
	d.Attributes(attr.NOSPLIT)
	d.Signature(signature(kernelPath, "WindowJob"))
	d.overview()
	d.job = d.Load(d.Param("job"), d.GP64()).(reg.GPVirtual)
	d.scratch = d.GP64()
	d.MOVQ(d.field(windows.OffScratch), d.scratch)
	d.Comment("Go on behind a block that failed, whose rows are mended?")
	d.CMPQ(d.field(windows.OffResume), operand.Imm(0))
	d.JNE(operand.LabelRef("squeeze"))
	d.Label("block")
	m := d.merger()
	d.CMPQ(d.field(windows.OffBlocks), operand.Imm(0))
	d.JEQ(operand.LabelRef("drain"))
	d.gaps()
	d.planes()
	d.chain(&m)
	d.Label("drain")
	d.drain(&m)
	d.CMPQ(d.field(windows.OffBlocks), operand.Imm(0))
	d.JEQ(operand.LabelRef("drained"))
	d.followed()
	d.Label("squeeze")
	d.squeeze()
	d.advance()
	d.JNE(operand.LabelRef("block"))
	d.JMP(operand.LabelRef("done"))

	d.Comment("Stores around the caches are ordered with no others.")
	d.Label("drained")
	d.SFENCE()
	d.stop("done", windows.BlockDone)
	d.stop("failed", windows.BlockFailed)
	d.stop("overflow", windows.BlockOverflow)
	d.Label("return")
	d.VZEROUPPER()
	d.RET()
	for _, write := range d.aside {
		write()
	}
}

// overview says what the function does, for readers of the assembly.
func (d *windowDecoder) overview() {
	d.Commentf("Decodes blocks of %d windows of %d bits of the stream, %d in a vector of 16-bit lanes. A window goes by",
		windows.BlockWindows, 64, windows.LaneWindows)
	d.Commentf("in %d phases of 16 bits, a phase in %d steps. A step looks up the length of a code by its first %d bits",
		windows.Phases, windows.PhaseSteps, windows.ShortBits)
	d.Comment("in a table that is a register. A lane that is through with a phase waits for the others: it looks up what long",
		"codes begin with, which the table knows no code for.")
	if len(d.w.Long) > 0 {
		d.Commentf("Long codes are looked up in steps %v only, a lane that comes to one before waits.", d.w.Long)
	} else {
		d.Comment("There are no long codes.")
	}
	d.Comment("Every window has to end where the gap of the next one says. Then the symbols of the block, a row for each",
		"window, are pressed together and merged with their sign_mantissa bytes.")
}

// field is a word of the job.
func (d *windowDecoder) field(off uintptr) operand.Mem {
	return operand.Mem{Base: d.job, Disp: int(off)}
}

// at is a place in the scratch memory.
func (d *windowDecoder) at(off int) operand.Mem { return operand.Mem{Base: d.scratch, Disp: off} }

// stop ends the function with a status.
func (d *windowDecoder) stop(name string, status uint64) {
	d.Label(name)
	d.MOVQ(operand.I32(int32(status)), d.field(windows.OffStatus))
	if name != "overflow" { // the end follows that one
		d.JMP(operand.LabelRef("return"))
	}
}

// advance moves the job to the next block.
func (d *windowDecoder) advance() {
	d.Comment("The next block begins with the gap that this one led to.")
	gap := d.GP64()
	d.MOVBQZX(d.at(windows.ScratchGaps+windows.BlockWindows), gap)
	d.MOVQ(gap, d.field(windows.OffGap))
	d.ADDQ(operand.I32(windows.BlockBytes), d.field(windows.OffSrc))
	d.ADDQ(operand.Imm(windows.BlockGaps), d.field(windows.OffGaps))
	d.MOVQ(operand.I32(0), d.field(windows.OffResume))
	d.DECQ(d.field(windows.OffBlocks))
}
