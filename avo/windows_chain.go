package avo

import (
	"slices"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed54244801/bespoke/internal/windows"
)

type vec = reg.VecVirtual

// A chain is the values that stay in registers while the codes of a block are followed.
type chain struct {
	lengths, full vec
	longLengths   [2]vec
	taken, behind vec
	shifts        vec
	none          operand.Mem       // an index that no short code begins with
	low           reg.OpmaskVirtual // the low byte of each lane

	position []vec         // for each group, the bit of the phase that each lane is at; 16 or more at the end
	plane    reg.GPVirtual // the address of the phase's plane of the first group
	steps    reg.GPVirtual // the address of the indices of half of the phase's steps of the first group
	rows     reg.GPVirtual // the address of the phase's rows of the first group
}

// chain follows the codes of all windows of a block, and leaves their symbols in rows.
func (d *windowDecoder) chain(m *merger) {
	t := d.tables()
	c := chain{lengths: d.load(t.lengths), none: t.none, full: d.load(d.c.full), plane: d.GP64(), steps: d.GP64(), rows: d.GP64()}
	if len(d.w.Long) > 0 {
		c.taken, c.behind = d.load(d.c.taken), d.load(d.c.behind)
		c.shifts = d.load(t.shifts)
		for half := range d.halves() {
			c.longLengths[half] = d.load(t.longLengths.Offset(64 * half))
		}
	}
	d.Comment("Each window starts at its gap.")
	order, mask := d.load(d.c.laneWindows), d.GP64()
	c.low = d.K()
	d.MOVQ(operand.U64(0x5555555555555555), mask)
	d.KMOVQ(mask, c.low)
	for g := range windows.GroupsPerBlock {
		position := d.ZMM()
		d.VPERMB_Z(d.at(windows.ScratchGaps+windows.LaneWindows*g), order, c.low, position)
		c.position = append(c.position, position)
	}
	d.Comment("Merges of symbols that are pending lie between the steps: their stores would hold up others if they came all at",
		"once.")
	d.LEAQ(d.at(windows.ScratchPlanes), c.plane)
	d.LEAQ(d.at(windows.ScratchRows), c.rows)
	d.Label("phase")
	half := d.GP64()
	d.LEAQ(d.at(windows.ScratchSteps), c.steps)
	d.MOVL(operand.U32(2), half.As32())
	d.Label("half")
	merges := 0
	for step := range halfSteps {
		d.Commentf("Step %d of %d, and %d, in every group.", step+1, windows.PhaseSteps, halfSteps+step+1)
		for g := range windows.GroupsPerBlock {
			d.step(&c, g, step)
			if at := (step*windows.GroupsPerBlock + g + 1) * d.w.Merges / (halfSteps * windows.GroupsPerBlock); at > merges {
				merges = at
				skip := label("skip", at)
				d.Comment("Merge, if there are symbols for it.")
				d.DECQ(m.left)
				d.JLT(operand.LabelRef(skip))
				d.merge(m, at)
				d.Label(skip)
			}
		}
	}
	d.ADDQ(operand.I32(windows.StepHalf), c.steps)
	d.DECQ(half)
	d.JNZ(operand.LabelRef("half"))
	d.Comment("The end of the phase: all lanes should be through with it. One that is not is before the next one, at a bit that",
		"wraps around to more than any gap, and stays there.")
	for g := range windows.GroupsPerBlock {
		d.endPhase(&c, g, &t)
	}
	d.ADDQ(operand.Imm(64), c.plane)
	d.ADDQ(operand.I32(windows.RowPhase), c.rows)
	end := d.GP64()
	d.LEAQ(d.at(windows.ScratchRows+windows.Phases*windows.RowPhase), end)
	d.CMPQ(c.rows, end)
	d.JNE(operand.LabelRef("phase"))

	d.Comment("Has every window led to the gap of the next one?")
	order = d.load(d.c.laneWindows)
	for g, position := range c.position {
		next, k := d.ZMM(), d.K()
		d.VPERMB_Z(d.at(windows.ScratchGaps+windows.LaneWindows*g+1), order, c.low, next)
		d.VPCMPUW(operand.Imm(notEqual), next, position, k)
		d.KMOVD(k, d.field(windows.OffFailed+uintptr(4*g)))
	}
	d.Comment("How many merges are left?")
	d.MOVQ(d.field(windows.OffPending), m.left)
	d.MOVQ(m.from, end)
	d.SUBQ(d.scratch, end)
	d.SUBQ(operand.I32(windows.ScratchPending), end)
	d.SUBQ(end, m.left)
	d.SARQ(operand.Imm(log2(windows.MergeWords)), m.left)
}

// followed stops the function if some window of the block did not lead to the next one. The caller decodes that
// window.
func (d *windowDecoder) followed() {
	failed := d.GP64()
	d.MOVQ(d.field(windows.OffFailed), failed)
	d.ORQ(d.field(windows.OffFailed+8), failed)
	d.JNE(operand.LabelRef("failed"))
}

// Predicates of VPCMP.
const (
	lessThan = 1
	notEqual = 4
	notLess  = 5
	greater  = 6
)

// halves is the number of registers of a table of long codes.
func (d *windowDecoder) halves() int {
	if d.w.Wide {
		return 2
	}
	return 1
}

// load loads a vector.
func (d *windowDecoder) load(m operand.Mem) vec { return load(d.Context, m) }

// step looks up a code in each lane of a group.
func (d *windowDecoder) step(c *chain, g, step int) {
	at, bits, index, length, inside := c.position[g], d.ZMM(), d.ZMM(), d.ZMM(), d.K()
	plane := operand.Mem{Base: c.plane, Disp: windows.PlaneGroup * g}
	if g == 0 && step == 0 {
		d.Comment("Which lanes are inside the phase? The 16 bits from their positions on, of which the first 6 are the index. The",
			"others get one that no code has.")
	}
	d.VPCMPUW(operand.Imm(lessThan), c.full, at, inside)
	d.VMOVDQU64(plane, bits)
	d.VMOVDQU64(plane.Offset(64), length)
	d.VPSHLDVW(at, length, bits)
	long := slices.Index(d.w.Long, step)
	var behind vec
	if long >= 0 {
		behind = d.ZMM()
		d.VPSRLVW(c.shifts, bits, behind)
		d.VPANDQ(c.behind, behind, behind)
	}
	d.VMOVDQU64(c.none, index)
	d.VPSRLW(operand.Imm(16-windows.ShortBits), bits, inside, index)
	d.VPERMB_Z(c.lengths, index, c.low, length)
	if long >= 0 {
		if g == 0 && long == 0 {
			d.Comment("No length inside a phase: a long code, told by the bits behind its prefix.")
		}
		none, flag := d.K(), d.ZMM()
		d.VPTESTNMW(length, length, inside, none)
		d.VPADDW_Z(c.taken, behind, none, flag)
		d.VMOVDQU64(flag, operand.Mem{Base: c.steps, Disp: stepLong(g, 0, long)})
		if d.w.Wide {
			d.VPERMI2B_Z(c.longLengths[1], c.longLengths[0], c.low, behind)
		} else {
			d.VPERMB_Z(c.longLengths[0], behind, c.low, behind)
		}
		d.VMOVDQU16(behind, none, length)
	}
	d.VPADDW(length, at, at)
	pair := operand.Mem{Base: c.steps, Disp: stepPair(g, 0, step/2)}
	if step%2 == 1 {
		d.VPSLLW(operand.Imm(8), index, index)
		d.VPORQ(pair, index, index)
	}
	d.VMOVDQU64(index, pair)
}

// stepPair is the offset of the indices of two steps of a half of a phase. stepLong is the offset of the indices of
// a step that looks up long codes.
func stepPair(g, half, pair int) int { return windows.StepGroup*g + windows.StepHalf*half + 64*pair }

func stepLong(g, half, long int) int { return stepPair(g, half, halfSteps/2+long) }

// endPhase moves the lanes of a group to the next phase. It turns the indices of the phase into symbols, and puts
// those of each lane side by side.
func (d *windowDecoder) endPhase(c *chain, g int, t *windowTables) {
	d.VPSUBW(c.full, c.position[g], c.position[g])
	symbols := d.load(t.symbols)
	var pairs [windows.PhaseSteps / 2]vec
	for i := range pairs {
		pairs[i] = d.load(d.at(windows.ScratchSteps + stepPair(g, i/2, i%2)))
		d.VPERMB(symbols, pairs[i], pairs[i])
	}
	for i := range 2 * len(d.w.Long) {
		half, long := i/len(d.w.Long), i%len(d.w.Long)
		step := halfSteps*half + d.w.Long[long]
		flags, k := d.load(d.at(windows.ScratchSteps+stepLong(g, half, long))), d.K()
		if step%2 == 1 {
			d.VPSLLW(operand.Imm(8), flags, flags)
		}
		d.VPMOVB2M(flags, k)
		if d.w.Wide {
			d.VPERMI2B(t.longSymbols.Offset(64), d.load(t.longSymbols), flags)
			d.VMOVDQU8(flags, k, pairs[step/2])
		} else {
			d.VPERMB(d.load(t.longSymbols), flags, k, pairs[step/2])
		}
	}
	var quads [4]vec
	for i := range quads {
		quads[i] = d.interleave(i, d.VPUNPCKLWD, d.VPUNPCKHWD, pairs[i/2*2], pairs[i/2*2+1])
	}
	for i := range quads {
		row := d.interleave(i, d.VPUNPCKLDQ, d.VPUNPCKHDQ, quads[i/2], quads[2+i/2])
		d.VMOVDQU64(row, operand.Mem{Base: c.rows, Disp: windows.RowGroup*g + 64*i})
	}
}
