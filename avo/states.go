package avo

import (
	"unsafe"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
)

// The distances of prefetches of a decoder of states, in bytes. A prefetch beyond a buffer does nothing.
const (
	prefetchPlane      = 2048
	prefetchStateWords = 1024
)

// A stateDecoder emits a decoder of states, for AVX-512: see states.Decoder. A [multiplier] is built on one, too.
type stateDecoder struct {
	*build.Context
	form  rans.Form
	mixed bool // the blocks have different tables, which stay in memory; else one table stays in registers
	c     stateConstants

	job, tables  reg.GPVirtual   // loaded where they are needed
	resident     map[uintptr]vec // the tables in registers, by their offsets in states.Tables
	minusOne     vec
	groups       vec // for joint symbols: see stateConstants
	fields       reg.OpmaskVirtual
	words, plane [states.Blocks]reg.GPVirtual
	lo, hi       [states.Blocks][states.Vectors]vec
}

// stateConstants are vectors that all decoders of states in a file share.
type stateConstants struct {
	symbols [2]operand.Mem // for each form: the bits of a word that come from the symbol
	// Planes of joint symbols: the bytes of each group of 7 in 8 bytes; and, for each word, the bits of its group that its
	// bytes start with.
	groups operand.Mem
	shifts [states.Vectors]operand.Mem
}

func newStateConstants(ctx *build.Context) (c stateConstants) {
	for form, name := range []string{"exponentBits", "jointBits"} {
		c.symbols[form] = vector(ctx, name, 64, func(i int) byte { return [][2]byte{{0x80, 0x7f}, {0xc0, 0x7f}}[form][i%2] })
	}
	c.groups = vector(ctx, "planeGroups", 64, func(i int) byte { return byte(i/8*7 + min(i%8, 6)) })
	for half, name := range []string{"shiftsLow", "shiftsHigh"} {
		c.shifts[half] = vector(ctx, name, 64, func(i int) byte {
			field := 7 * (4*half + i/2%4)
			return [2]byte{byte(field), byte(field+63) % 64}[i%2] // the sign is the highest bit of the second byte
		})
	}
	return c
}

// emit writes the whole function.
func (d *stateDecoder) emit(name string) {
	d.Function(name)
	d.Attributes(attr.NOSPLIT)
	d.Signature(signature(statesPath, "Job"))
	d.overview()
	d.begin()
	var dst [states.Blocks]reg.GPVirtual
	for k := range dst {
		dst[k] = d.GP64()
		d.MOVQ(d.field(states.OffDst+uintptr(8*k)), dst[k])
	}
	step := func(store func(v, m operand.Op)) func() {
		return func() {
			for k := range states.Blocks {
				for g, v := range d.step(k) {
					store(v, operand.Mem{Base: dst[k], Disp: 64 * g})
				}
				d.ADDQ(operand.I32(2*rans.States), dst[k])
			}
		}
	}
	d.CMPQ(d.field(states.OffStream), operand.Imm(0))
	d.JEQ(operand.LabelRef("cachedRound"))
	d.Comment("Around the caches.")
	d.rounds("stream", step(d.VMOVNTDQ))
	d.SFENCE()
	d.JMP(operand.LabelRef("end"))
	d.Comment("Through the caches.")
	d.rounds("cached", step(func(v, m operand.Op) { d.VMOVDQU64(v, m) }))
	d.Label("end")
	d.end()
	d.VZEROUPPER()
	d.RET()
}

// begin loads what stays in registers.
func (d *stateDecoder) begin() {
	d.reload()
	d.minusOne = d.ZMM()
	d.VPTERNLOGD(operand.Imm(ternaryOnes), d.minusOne, d.minusOne, d.minusOne)
	if d.form == rans.Joint {
		bits := d.GP64()
		d.MOVQ(operand.U64(1<<rans.Joint.PlaneBytes(rans.States)-1), bits)
		d.fields = d.K()
		d.KMOVQ(bits, d.fields)
		d.groups = d.load(d.c.groups)
	}
	for k := range states.Blocks {
		d.words[k], d.plane[k] = d.GP64(), d.GP64()
		d.MOVQ(d.field(states.OffWords+uintptr(8*k)), d.words[k])
		d.MOVQ(d.field(states.OffPlane+uintptr(8*k)), d.plane[k])
		for g := range states.Vectors {
			d.lo[k][g], d.hi[k][g] = d.load(d.state(k, 0, g)), d.load(d.state(k, 1, g))
		}
	}
	d.MOVQ(operand.I32(0), d.field(states.OffDone))
	if !d.mixed {
		d.resident = d.residents()
	}
}

// residents loads the tables of the first block.
func (d *stateDecoder) residents() map[uintptr]vec {
	var t states.Tables
	m := map[uintptr]vec{}
	d.loadTables(0)
	for _, off := range []uintptr{
		unsafe.Offsetof(t.Threshold), unsafe.Offsetof(t.Donor), unsafe.Offsetof(t.Offset), unsafe.Offsetof(t.Frequency), unsafe.Offsetof(t.Symbol),
	} {
		m[off] = d.load(operand.Mem{Base: d.tables, Disp: int(off)})
	}
	return m
}

// loadTables loads where the tables of a block are.
func (d *stateDecoder) loadTables(block int) {
	d.tables = d.GP64()
	d.MOVQ(d.field(states.OffTables+uintptr(8*block)), d.tables)
}

// end stores the states, and how many words were used.
func (d *stateDecoder) end() {
	d.reload()
	for k := range states.Blocks {
		d.SUBQ(d.field(states.OffWords+uintptr(8*k)), d.words[k])
		d.SHRQ(operand.Imm(1), d.words[k])
		d.MOVQ(d.words[k], d.field(states.OffUsed+uintptr(8*k)))
		for g := range states.Vectors {
			d.VMOVDQU64(d.lo[k][g], d.state(k, 0, g))
			d.VMOVDQU64(d.hi[k][g], d.state(k, 1, g))
		}
	}
}

// overview says what the function does, for readers of the assembly.
func (d *stateDecoder) overview() {
	d.Commentf("Decodes %d weights of each of %d blocks in a step. A state is 16 bits of a vector of low and 16 bits of a vector of",
		rans.States, states.Blocks)
	d.Commentf("high halves. The low %d bits of a low half name a bucket, which the tables are indexed by.", log2(rans.Buckets))
	d.Comment("A round is as many steps as all blocks have words for, whatever the steps take.")
	if !d.mixed {
		d.Comment("The blocks have one table, which stays in registers.")
	}
}

// field is a word of the job.
func (d *stateDecoder) field(off uintptr) operand.Mem {
	return operand.Mem{Base: d.job, Disp: int(off)}
}

// state is half of the states of a vector of lanes of a block: 0 for the low halves, 1 for the high ones.
func (d *stateDecoder) state(block, half, vector int) operand.Mem {
	return d.field(states.OffStates + uintptr(2*(rans.States*(2*block+half)+states.VectorLanes*vector)))
}

// load loads a vector.
func (d *stateDecoder) load(m operand.Mem) vec { return load(d.Context, m) }

// reload loads the address of the job, which no register keeps in between.
func (d *stateDecoder) reload() { d.job = d.Load(d.Param("job"), d.GP64()).(reg.GPVirtual) }

// rounds does steps while there are words for them.
func (d *stateDecoder) rounds(name string, step func()) {
	d.Label(name + "Round")
	d.reload()
	steps := d.roomFor(func(k int) operand.Op { return d.words[k] })
	d.TESTQ(steps, steps)
	d.JLE(operand.LabelRef(name + "End"))
	d.ADDQ(steps, d.field(states.OffDone))
	d.Label(name + "Step")
	step()
	d.DECQ(steps)
	d.JNZ(operand.LabelRef(name + "Step"))
	d.JMP(operand.LabelRef(name + "Round"))
	d.Label(name + "End")
}

// roomFor computes how many of the steps that are left all blocks have words for, given where their next words are.
func (d *stateDecoder) roomFor(words func(k int) operand.Op) (steps reg.GPVirtual) {
	steps = d.GP64()
	room := d.GP64()
	d.MOVQ(d.field(states.OffSteps), steps)
	d.SUBQ(d.field(states.OffDone), steps)
	for k := range states.Blocks {
		at := func(off uintptr) operand.Mem { return d.field(off + uintptr(8*k)) }
		d.MOVQ(at(states.OffWords), room)
		d.SUBQ(words(k), room)
		d.SARQ(operand.Imm(1), room)
		d.ADDQ(at(states.OffLeft), room)
		d.SUBQ(operand.Imm(states.ReserveWords), room)
		d.SARQ(operand.Imm(log2(states.StepWords)), room)
		d.CMPQ(room, steps)
		d.CMOVQLT(room, steps)
	}
	return steps
}

// step decodes the next weights of a block.
func (d *stateDecoder) step(k int) (words [states.Vectors]vec) {
	d.Commentf("Block %d.", k)
	if d.mixed {
		d.reload()
		d.loadTables(k)
	}
	d.PREFETCHT0(operand.Mem{Base: d.plane[k], Disp: prefetchPlane})
	d.PREFETCHT0(operand.Mem{Base: d.words[k], Disp: prefetchStateWords})
	for g := range words {
		words[g] = d.next(k, g)
	}
	for g, others := range d.others(k) {
		d.VPTERNLOGD(operand.Imm(selectFirst), d.c.symbols[d.form], others, words[g])
	}
	d.ADDQ(operand.Imm(uint64(d.form.PlaneBytes(rans.States))), d.plane[k])
	return words
}

// others spreads the bits of a step that are not coded over words, which have them where a weight has.
func (d *stateDecoder) others(k int) (words [states.Vectors]vec) {
	plane := operand.Mem{Base: d.plane[k]}
	if d.form == rans.Exponent {
		words[0], words[1] = d.load(plane), d.ZMM()
		d.VPSHLDW(operand.Imm(8), words[0], words[0], words[1])
		return words
	}
	groups := d.ZMM()
	d.VMOVDQU8_Z(plane, d.fields, groups)
	d.VPERMB(groups, d.groups, groups)
	for g, shifts := range d.c.shifts {
		words[g] = d.load(shifts)
		d.VPMULTISHIFTQB(groups, words[g], words[g])
	}
	return words
}

// table is a table of the present block.
func (d *stateDecoder) table(off uintptr) operand.Op {
	if t, ok := d.resident[off]; ok {
		return t
	}
	return operand.Mem{Base: d.tables, Disp: int(off)}
}

// next decodes a symbol in each lane of a vector, and returns them where words have them.
func (d *stateDecoder) next(k, g int) vec {
	lo, hi := d.lo[k][g], d.hi[k][g]
	cell, limit, place, symbol, factor, rank := d.ZMM(), d.ZMM(), d.ZMM(), d.ZMM(), d.ZMM(), d.ZMM()
	donor, carry, refill, n := d.K(), d.K(), d.K(), d.GP64()
	var t states.Tables
	d.VPSRLW(operand.Imm(log2(rans.Buckets)), lo, cell)
	d.VPERMW(d.table(unsafe.Offsetof(t.Threshold)), lo, limit)
	d.VPCMPUW(operand.Imm(notLess), limit, cell, donor)
	d.VMOVDQA64(lo, place)
	d.VPERMW(d.table(unsafe.Offsetof(t.Donor)), lo, donor, place)
	d.VPERMW_Z(d.table(unsafe.Offsetof(t.Offset)), lo, donor, rank)
	d.VPADDW(cell, rank, rank)
	d.VPERMW(d.table(unsafe.Offsetof(t.Frequency)), place, factor)
	d.VPERMW(d.table(unsafe.Offsetof(t.Symbol)), place, symbol)
	product := limit
	d.VPMULLW(hi, factor, lo)
	d.VPMULHUW(hi, factor, product)
	d.VPADDW(rank, lo, lo)
	d.VPCMPUW(operand.Imm(lessThan), rank, lo, carry)
	d.VPTESTNMW(product, product, refill)
	d.KANDND(refill, carry, refill)
	d.VMOVDQA64(product, hi)
	d.VPSUBW(d.minusOne, hi, carry, hi)
	d.VMOVDQU16(lo, refill, hi)
	words := cell
	d.VMOVDQU64(operand.Mem{Base: d.words[k]}, words)
	d.VPEXPANDW(words, refill, lo)
	d.KMOVD(refill, n.As32())
	d.POPCNTL(n.As32(), n.As32())
	d.LEAQ(operand.Mem{Base: d.words[k], Index: n, Scale: 2}, d.words[k])
	return symbol
}
