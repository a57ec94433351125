package avo

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed54244801/bespoke/internal/lookup"
	"github.com/seed54244801/bespoke/internal/strands"
)

// strandDecoder emits a decoder of strands. Its fields are the register plan: values in registers during all turns,
// and values on the stack because there are too few registers.
type strandDecoder struct {
	streams
	name string
	c    strandConstants

	out   []reg.GPVirtual
	spare reg.GPVirtual

	sm      []operand.Mem // the next sign_mantissa byte of each strand
	dstLess []operand.Mem // the address of its word, less twice the address of that byte
	filled  []operand.Mem // the number of symbols in the half that each strand filled last
	filling operand.Mem   // the half of the scratch memory that strands fill from this turn on
	full    operand.Mem   // the other half
	aside   []func()      // emit rare code, behind the hot loop

	reverse, topBits reg.VecVirtual
}

func newStrandDecoder(ctx *build.Context, name string, c strandConstants) *strandDecoder {
	return &strandDecoder{streams: streams{Context: ctx}, name: name, c: c}
}

// emit writes the whole function.
func (d *strandDecoder) emit() {
	d.Function(d.name)
	d.Attributes(attr.NOSPLIT)
	d.Signature(signature(strandsPath, "Job"))
	d.overview()
	d.planRegisters()
	d.begin()
	d.Label("turn")
	d.turn()
	d.end()
	d.Label("done")
	d.VZEROUPPER()
	d.RET()
	for _, rare := range d.aside {
		rare()
	}
	for round := range strands.Count {
		for i := range strands.Count {
			d.slowPath(label("", round, i), i, func() { d.storeLong(i) })
		}
	}
}

// overview says what the function does, for readers of the assembly.
func (d *strandDecoder) overview() {
	d.Commentf("Decodes %d strands of the job side by side. A strand keeps the next bits of its stream at the top of a", strands.Count)
	d.Commentf("register, above a marker bit. In a round, each strand makes %d lookups by the top %d bits and a refill.",
		rowsOfLookups, lookup.TableBits)
	d.Commentf("An entry of the table holds up to %d symbols: their bits in byte 0, minus their number in bytes 1 and", lookup.EntrySymbols)
	d.Comment("2, and from byte 7 down to 3 the symbols, each rotated right by one bit. Symbols go to the scratch",
		"memory, from its top downward.")
	d.Commentf("A turn is %d rounds. In round i, strand i changes to the other half of its scratch memory. The half that", strands.Count)
	d.Commentf("strand i-%d filled is merged with its sign_mantissa bytes, between the lookups. The merge always writes", lag)
	d.Commentf("%d words; the next merge overwrites those behind the last symbol.", mergeVectors*strands.VectorSymbols)
	d.Comment("Before the first turn, the function computes how many turns every strand has room for. So no load or",
		"store can leave its buffer, whatever the streams hold.")
}

func (d *strandDecoder) planRegisters() {
	d.planStreams()
	d.spare = d.GP64()
	for range strands.Count {
		d.out = append(d.out, d.GP64())
		d.sm = append(d.sm, d.AllocLocal(8))
		d.dstLess = append(d.dstLess, d.AllocLocal(8))
		d.filled = append(d.filled, d.AllocLocal(8))
	}
	d.filling, d.full = d.AllocLocal(8), d.AllocLocal(8)
	d.reverse, d.topBits = d.YMM(), d.YMM()
}

// turn is the hot loop: as many rounds as there are strands.
func (d *strandDecoder) turn() {
	n, rows := strands.Count, rowsOfLookups
	d.Comment("The next turn: swap the halves of the scratch memory.")
	d.MOVQ(d.filling, d.window)
	d.MOVQ(d.full, d.entry)
	d.MOVQ(d.window, d.full)
	d.MOVQ(d.entry, d.filling)
	for round := range n {
		merged := (round - lag + n) % n
		d.Commentf("Round %d of %d: strand %d changes halves, strand %d is merged.", round+1, n, round, merged)
		vectors := 0
		for row := range rows {
			for end := (row + 1) * mergeVectors / rows; vectors < end; vectors++ {
				d.mergeInTurn(round, merged, vectors)
			}
			d.Commentf("Lookup %d of %d in every strand.", row+1, rows)
			if round == 0 && row == 0 {
				d.Comment("Index, load, store, move down by the number of symbols, shift out their bits. The next",
					"store overwrites the bytes that are not symbols.")
			}
			for i := range n {
				d.lookup(i)
				if row == refillRow(i) {
					d.refill(label("", round, i), i)
					if i == round {
						d.changeHalves(i)
					}
				}
			}
		}
	}
	d.DECQ(d.turns)
	d.JNZ(operand.LabelRef("turn"))
}

// changeHalves lets strand i fill the other half of its scratch memory from now on. It leaves a mark if the strand
// came to a border. The refill before it has left the strand's source in window.
func (d *strandDecoder) changeHalves(i int) {
	d.Commentf("Strand %d changes halves. Note the number of symbols, the source, and the used bits of its first byte.", i)
	d.Comment("Has it come to its border?")
	d.MOVQ(d.full, d.entry)
	d.ADDQ(operand.U32(scratchTop(i)), d.entry)
	d.SUBQ(d.out[i], d.entry)
	d.MOVQ(d.entry, d.filled[i])
	d.MOVQ(d.filling, d.out[i])
	d.note(d.out[i], i)
	d.ADDQ(operand.U32(scratchTop(i)), d.out[i])
	border, marked := label("border", i), label("marked", i)
	d.CMPQ(d.window, d.border[i])
	d.JCC(operand.LabelRef(border))
	d.Label(marked)
	d.aside = append(d.aside, func() {
		d.Label(border)
		d.MOVQ(d.full, d.window)
		d.markBorder(i, d.window, d.spare, func() { d.MOVQ(d.sm[i], d.entry) })
		d.JMP(operand.LabelRef(marked))
	})
}

// lookup decodes one table entry in strand i.
func (d *strandDecoder) lookup(i int) {
	d.look(i)
	d.MOVQ(d.entry, operand.Mem{Base: d.out[i], Disp: -7})
	// The scratch memory lies in one page of 64 KiB, so an addition to the low 16 bits moves the pointer.
	d.ADDW(operand.Mem{Base: d.table, Index: d.window, Scale: 8, Disp: 1}, d.out[i].As16())
	d.consume(i)
}

// storeLong stores the symbol that the slow path found, and counts it.
func (d *strandDecoder) storeLong(i int) {
	d.MOVB(d.window.As8(), operand.Mem{Base: d.out[i]})
	d.CMPQ(d.buf[i], operand.Imm(1))
	d.Comment("The carry is set if the length is 0. The pointer moves by carry - 1.")
	d.ADCQ(operand.I8(-1), d.out[i])
}

// scratchTop is the offset of the first symbol of strand i in a half of the scratch memory.
func scratchTop(i int) uint32 { return uint32((i+1)*strands.HalfScratch - 1) }
