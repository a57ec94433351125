package avo

import (
	"fmt"
	"unsafe"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
)

// StateEncoders returns a Go assembly file with the encoders of states: encodeExponents and encodeJoint for one block,
// encodeExponentsPair and encodeJointPair for two; and countJoint, which counts joint symbols. The first line of the file is
// "// " and header.
func StateEncoders(header string) ([]byte, error) {
	ctx := build.NewContext()
	ctx.ConstraintExpr(constraint)
	c := newEncodeConstants(ctx)
	for form, name := range []string{"encodeExponents", "encodeJoint"} {
		for blocks := 1; blocks <= states.EncodeBlocks; blocks++ {
			d := stateEncoder{Context: ctx, form: rans.Form(form), c: c, blocks: make([]encodedBlock, blocks)}
			d.emit(name + []string{"", "Pair"}[blocks-1])
		}
	}
	countJoint(ctx)
	return assembled(ctx, header)
}

// prefetchBefore is the distance, in bytes, at which weights and plane are fetched. They are used downwards.
const prefetchBefore = 2048

// A stateEncoder emits an encoder of states, for AVX-512: see states.Encoder.
type stateEncoder struct {
	*build.Context
	form   rans.Form
	c      encodeConstants
	blocks []encodedBlock

	tables    reg.GPVirtual
	ones      reg.GPVirtual
	root      vec // the first node of a search
	rootGrain vec
	minusOne  vec
	minusTwo  vec
	placeMask vec
	fields    reg.OpmaskVirtual // of joint symbols: the bytes of the plane of a step
	groups    vec               // of joint symbols: see encodeConstants
	held      map[uintptr]vec   // tables of words, by their offset
}

// An encodedBlock is what registers hold of a block: where the present step of it is, where the last word lies, and the
// states.
type encodedBlock struct {
	weights, plane, patched, words reg.GPVirtual
	missing                        reg.OpmaskVirtual // all bits of patched so far
	lo, hi                         [states.Vectors]vec
}

// encodeConstants are vectors that all encoders of states in a file share.
type encodeConstants struct {
	firstBytes operand.Mem // of words
	lastBits   operand.Mem // of bytes
	rankLow    operand.Mem // the part of a rank in its grain, times 32
	grainLow   operand.Mem
	exponents  planeConstants
	joint      jointPlaneConstants
	places     operand.Mem
	quarter    operand.Mem // of bytes: bit 6
	minusTwo   operand.Mem
	root       operand.Mem
}

func newEncodeConstants(ctx *build.Context) (c encodeConstants) {
	words := func(name string, value uint16) operand.Mem {
		return vector(ctx, name, 64, func(i int) byte { return byte(value >> (8 * (i % 2))) })
	}
	c.firstBytes, c.lastBits, c.quarter = words("firstBytes", 0xff), words("lastBits", 0x0101), words("quarter", 0x4040)
	c.rankLow, c.grainLow = words("rankLow", (states.Grain-1)*rans.Buckets), words("grainLow", states.Grain-1)
	c.places, c.root, c.minusTwo = words("placeBits", rans.Buckets-1), words("root", 1), words("minusTwo", 0xfffe)
	c.exponents.signMantissa = words("signMantissa", 0x807f)
	c.joint = newJointPlaneConstants(ctx)
	return c
}

// emit writes the whole function.
func (d *stateEncoder) emit(name string) {
	d.Function(name)
	d.Attributes(attr.NOSPLIT)
	d.Signature(signature(statesPath, "EncodeJob"))
	d.Commentf("Codes %d weights of each block in a step, from the last step to the first. Blocks: %d. A state is 16 bits of a vector",
		rans.States, len(d.blocks))
	d.Comment("of low and 16 bits of a vector of high halves.")
	job := d.Load(d.Param("job"), d.GP64()).(reg.GPVirtual)
	field := func(off uintptr) operand.Mem { return operand.Mem{Base: job, Disp: int(off)} }
	at := func(off uintptr) reg.GPVirtual {
		r := d.GP64()
		d.MOVQ(field(off), r)
		return r
	}
	state := func(block, half, vector int) operand.Mem {
		return field(states.OffEncodeStates + uintptr(2*(rans.States*(2*block+half)+states.VectorLanes*vector)))
	}
	d.tables = at(states.OffEncodeTables)
	steps := at(states.OffEncodeSteps)
	d.constants()
	planeBytes := d.form.PlaneBytes(rans.States)
	d.Comment("To the end of the last step.")
	bytes := [2]reg.GPVirtual{d.GP64(), d.GP64()}
	d.IMUL3Q(operand.Imm(2*rans.States), steps, bytes[0])
	d.IMUL3Q(operand.Imm(uint64(planeBytes)), steps, bytes[1])
	for k := range d.blocks {
		b, word := &d.blocks[k], uintptr(8*k)
		b.weights, b.plane, b.patched = at(states.OffEncodeWeights+word), at(states.OffEncodePlane+word), at(states.OffEncodePatched+word)
		d.ADDQ(bytes[0], b.weights)
		d.ADDQ(bytes[1], b.plane)
		b.words, b.missing = at(states.OffEncodeLeft+word), d.K()
		d.ADDQ(field(states.OffEncodeWords+word), b.words)
		d.KXORQ(b.missing, b.missing, b.missing)
		for g := range b.lo {
			b.lo[g], b.hi[g] = d.load(state(k, 0, g)), d.load(state(k, 1, g))
		}
	}
	d.Label("step")
	for k := range d.blocks {
		d.step(&d.blocks[k], steps)
	}
	d.DECQ(steps)
	d.JNZ(operand.LabelRef("step"))

	job = d.Load(d.Param("job"), d.GP64()).(reg.GPVirtual)
	for k := range d.blocks {
		b, word := &d.blocks[k], uintptr(8*k)
		for g := range b.lo {
			d.VMOVDQU64(b.lo[g], state(k, 0, g))
			d.VMOVDQU64(b.hi[g], state(k, 1, g))
		}
		missing := d.GP64()
		d.KMOVQ(b.missing, missing)
		d.MOVQ(missing, field(states.OffEncodeAnyPatched+word))
		d.SUBQ(field(states.OffEncodeWords+word), b.words)
		d.MOVQ(b.words, field(states.OffEncodeLeft+word))
	}
	d.VZEROUPPER()
	d.RET()
}

// step codes a step of a block.
func (d *stateEncoder) step(b *encodedBlock, steps reg.GPVirtual) {
	planeBytes := d.form.PlaneBytes(rans.States)
	d.SUBQ(operand.I32(2*rans.States), b.weights)
	d.SUBQ(operand.Imm(uint64(planeBytes)), b.plane)
	d.PREFETCHT0(operand.Mem{Base: b.weights, Disp: -prefetchBefore})
	d.PREFETCHT0(operand.Mem{Base: b.weights, Disp: -prefetchBefore + 64})
	d.PREFETCHT0(operand.Mem{Base: b.plane, Disp: -prefetchBefore})
	var w [states.Vectors]vec
	for g := range w {
		w[g] = d.load(operand.Mem{Base: b.weights, Disp: 64 * g})
	}
	d.plane(w, operand.Mem{Base: b.plane})
	places := d.places(w)
	missing := d.K()
	d.VPMOVB2M(places, missing)
	d.KMOVQ(missing, operand.Mem{Base: b.patched, Index: steps, Scale: 8, Disp: -8})
	d.KORQ(missing, b.missing, b.missing)
	high := d.ZMM()
	d.VPSRLW(operand.Imm(8), places, high)
	d.next(b, 1, high)
	d.next(b, 0, places)
}

// constants loads what stays in registers.
func (d *stateEncoder) constants() {
	d.ones = d.GP64()
	d.MOVQ(operand.I32(-1), d.ones)
	d.root, d.minusTwo, d.placeMask = d.load(d.c.root), d.load(d.c.minusTwo), d.load(d.c.places)
	d.minusOne, d.rootGrain = d.ZMM(), d.ZMM()
	d.VPTERNLOGD(operand.Imm(ternaryOnes), d.minusOne, d.minusOne, d.minusOne)
	root := d.table(unsafe.Offsetof(states.EncodeTables{}.Nodes))
	root.Disp += 2
	d.VPBROADCASTW(root, d.rootGrain)
	var t states.EncodeTables
	d.held = map[uintptr]vec{}
	for _, off := range []uintptr{
		unsafe.Offsetof(t.Frequency), unsafe.Offsetof(t.Reciprocal), unsafe.Offsetof(t.Threshold), unsafe.Offsetof(t.Donated),
		unsafe.Offsetof(t.Nodes),
	} {
		d.held[off] = d.load(d.table(off))
	}
	if d.form == rans.Joint {
		bytes := d.GP64()
		d.MOVQ(operand.U64(1<<d.form.PlaneBytes(rans.States)-1), bytes)
		d.fields = d.K()
		d.KMOVQ(bytes, d.fields)
		d.groups = d.load(d.c.joint.groups)
	}
}

// load loads a vector.
func (d *stateEncoder) load(m operand.Mem) vec { return load(d.Context, m) }

// table is a table of the job.
func (d *stateEncoder) table(off uintptr) operand.Mem {
	return operand.Mem{Base: d.tables, Disp: int(off)}
}

// look looks up a table of words that is held in a register.
func (d *stateEncoder) look(off uintptr, index vec) vec {
	v := d.ZMM()
	d.VPERMW(d.held[off], index, v)
	return v
}

// places returns the places of the symbols of a step, in bytes: that of weight i in byte 2i, that of weight i+32 in byte
// 2i+1. Symbols that the table lacks have states.NoPlace.
func (d *stateEncoder) places(w [states.Vectors]vec) vec {
	d.Comment("The places of the symbols. Two bits of an exponent tell which quarter of the table it is in.")
	exponents := d.bytes(w, 7)
	var quarters [4]vec
	upper, odd := d.K(), d.K()
	d.VPTESTMB(d.c.quarter, exponents, odd)
	d.VPMOVB2M(exponents, upper)
	for q := range quarters {
		table := d.table(unsafe.Offsetof(states.EncodeTables{}.Places) + uintptr(64*q))
		if q%2 == 0 {
			quarters[q] = d.ZMM()
			d.VPERMB(table, exponents, quarters[q])
		} else {
			d.VPERMB(table, exponents, odd, quarters[q-1])
		}
	}
	places := quarters[0]
	d.VMOVDQU8(quarters[2], upper, places)
	if d.form == rans.Joint {
		index, known := d.bytes(w, 6), d.K()
		d.VPTERNLOGD(operand.Imm(ternaryAndOr), d.c.lastBits, places, index)
		d.VPMOVB2M(places, known)
		d.KNOTQ(known, known)
		d.VPERMB(d.table(unsafe.Offsetof(states.EncodeTables{}.Pairs)), index, known, places)
	}
	return places
}

// Truth tables of VPTERNLOG, with the operands in the manufacturer's order: the first one, or the second and the third; the
// second one, or the first and the third.
const (
	ternaryOrAnd = 0xf8
	ternaryAndOr = 0xec
)

// bytes returns 8 bits of each weight of a step, from the given bit on, in the order of places.
func (d *stateEncoder) bytes(w [states.Vectors]vec, bit int) vec {
	low, high := d.ZMM(), d.ZMM()
	d.VPSRLW(operand.Imm(uint64(bit)), w[0], low)
	d.VPSLLW(operand.Imm(uint64(8-bit)), w[1], high)
	d.VPTERNLOGD(operand.Imm(selectFirst), d.c.firstBytes, high, low)
	return low
}

// next codes a symbol in each lane of a vector. The low bytes of words have their places.
func (d *stateEncoder) next(b *encodedBlock, g int, place vec) {
	var t states.EncodeTables
	lo, hi := b.lo[g], b.hi[g]
	d.Comment(fmt.Sprintf("Lanes of vector %d: words, where the state would be too large otherwise.", g))
	d.VPANDD(d.placeMask, place, place)
	frequency, rounded, full := d.look(unsafe.Offsetof(t.Frequency), place), d.ZMM(), d.K()
	d.VPORD(d.c.grainLow, hi, rounded)
	d.VPCMPUW(operand.Imm(notLess), frequency, rounded, full)
	d.emitWords(b, lo, full)
	d.VMOVDQU16(hi, full, lo)
	d.VPSUBW(hi, hi, full, hi)

	d.Comment("Divide the grains of the state. The quotient may be up to 3 too small at first.")
	high, rank, grain, twice := d.look(unsafe.Offsetof(t.Reciprocal), place), d.ZMM(), d.ZMM(), d.ZMM()
	quotient := hi
	d.VPSHRDW(operand.Imm(log2(states.Grain)), hi, lo, rank)
	d.VPSHLDVW(frequency, lo, hi)
	d.VPMULHUW(high, hi, high)
	d.VPADDW(high, hi, quotient)
	d.VPSRLW(operand.Imm(log2(states.Grain)), frequency, grain)
	d.VPMULLW(grain, quotient, high)
	d.VPSUBW(high, rank, rank)
	d.VPADDW(grain, grain, twice)
	for _, more := range []struct{ grains, less vec }{{twice, d.minusTwo}, {grain, d.minusOne}} {
		small := d.K()
		d.VPCMPUW(operand.Imm(notLess), more.grains, rank, small)
		d.VPSUBW(more.grains, rank, small, rank)
		d.VPSUBW(more.less, quotient, small, quotient)
	}

	d.Comment("The cell of the rank: of the own bucket, or of one that a search finds.")
	donor := d.K()
	threshold, at := d.look(unsafe.Offsetof(t.Threshold), place), d.look(unsafe.Offsetof(t.Donated), place)
	d.VPCMPUW(operand.Imm(notLess), threshold, rank, donor)
	d.VPADDW(rank, at, at)
	cells := d.ZMM()
	d.VPSLLW(operand.Imm(log2(states.Grain*rans.Buckets)), rank, cells)
	d.VPSLLW(operand.Imm(log2(rans.Buckets)), lo, lo)
	d.VPTERNLOGD(operand.Imm(ternaryOrAnd), d.c.rankLow, lo, cells)
	node, below := d.root, d.ZMM()
	d.VPSUBW(at, d.rootGrain, below)
	for level := range log2(rans.Buckets) {
		if level > 0 {
			below = d.look(unsafe.Offsetof(t.Nodes), node)
			d.VPSUBW(at, below, below)
		}
		next := d.ZMM()
		d.VPSHLDW(operand.Imm(1), below, node, next)
		node = next
	}
	d.VPERMW(d.table(unsafe.Offsetof(t.Donations)), node, donor, place)
	d.VPADDW(cells, place, lo)
}

// emitWords stores the low halves of some lanes before the last word.
func (d *stateEncoder) emitWords(b *encodedBlock, lo vec, full reg.OpmaskVirtual) {
	words, n, count, first := d.ZMM(), d.GP64(), d.GP64(), d.K()
	d.VPCOMPRESSW_Z(lo, full, words)
	d.KMOVD(full, n.As32())
	d.POPCNTL(n.As32(), n.As32())
	d.BZHIL(n.As32(), d.ones.As32(), count.As32())
	d.KMOVD(count.As32(), first)
	d.ADDQ(n, n)
	d.SUBQ(n, b.words)
	d.VMOVDQU16(words, first, operand.Mem{Base: b.words})
}
