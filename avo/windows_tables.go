package avo

import (
	"unsafe"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"

	"github.com/seed54244801/bespoke/internal/windows"
)

// windowConstants are vectors that all decoders of windows in a file share.
type windowConstants struct {
	spread, fields, gapBits operand.Mem    // from 5 bytes to 8 gaps of 5 bits
	laneWindows             operand.Mem    // the window in each lane: windows.WindowOfLane
	dwords                  operand.Mem    // within 128 bits: from 2 windows of 4 parts to 4 parts of 2 windows, bytes swapped
	firsts                  [4]operand.Mem // the first parts of 2 windows, bytes swapped, to one of 4 double words
	full                    operand.Mem    // 16 in each lane: the bits of a phase
	behind                  operand.Mem    // in each lane the bits that are an index of a table of long codes
	taken                   operand.Mem    // in each lane the flag of a long code
	low, high               operand.Mem    // each byte of the low, the high half twice
	words                   operand.Mem    // the bits of a word that come from the symbol
}

func newWindowConstants(ctx *build.Context) windowConstants {
	var c windowConstants
	c.spread = vector(ctx, "spread", 64, func(i int) byte { return byte(5*(i/8) + min(4, 7-i%8)) })
	c.fields = vector(ctx, "fields", 64, func(i int) byte { return byte(59 - 5*(i%8)) })
	c.gapBits = vector(ctx, "gapBits", 64, func(int) byte { return 31 })
	c.laneWindows = vector(ctx, "laneWindows", 64, func(i int) byte { return byte(windows.WindowOfLane(i / 2)) })
	// Byte 4k+2s+b of 16 is byte b of part k of window s. The stream is big-endian, so this is its byte 8s+2k+1-b.
	part := func(k, s, b int) byte { return byte(8*s + 2*k + 1 - b) }
	c.dwords = vector(ctx, "dwords", 64, func(i int) byte { return part(i%16/4, i%4/2, i%2) })
	for r := range c.firsts {
		c.firsts[r] = vector(ctx, "firsts"+string(rune('0'+r)), 64, func(i int) byte {
			if i%16/4 != r {
				return 0x80 // VPSHUFB then writes a zero
			}
			return part(0, i%4/2, i%2)
		})
	}
	c.full = vector(ctx, "full", 64, func(i int) byte { return [2]byte{16, 0}[i%2] })
	c.behind = vector(ctx, "behind", 64, func(i int) byte { return [2]byte{1<<windows.WideBits - 1, 0}[i%2] })
	c.taken = vector(ctx, "taken", 64, func(i int) byte { return [2]byte{0x80, 0}[i%2] })
	c.low = vector(ctx, "low", 64, func(i int) byte { return byte(i / 2) })
	c.high = vector(ctx, "high", 64, func(i int) byte { return byte(32 + i/2) })
	c.words = vector(ctx, "words", 64, func(i int) byte { return [2]byte{0x80, 0x7f}[i%2] })
	return c
}

// A windowTables has the addresses of the tables of the job.
type windowTables struct {
	lengths, symbols, none           operand.Mem
	longLengths, longSymbols, shifts operand.Mem // lengths and symbols have two vectors each in a wide table
}

// tables loads the address of the job's tables.
func (d *windowDecoder) tables() windowTables {
	base := d.GP64()
	d.MOVQ(d.field(windows.OffTables), base)
	at := func(off uintptr) operand.Mem { return operand.Mem{Base: base, Disp: int(off)} }
	var t windows.Tables
	w := windowTables{lengths: at(unsafe.Offsetof(t.Lengths)), symbols: at(unsafe.Offsetof(t.Symbols)), none: at(unsafe.Offsetof(t.None))}
	if d.w.Wide {
		wide := unsafe.Offsetof(t.Wide)
		w.longLengths, w.longSymbols = at(wide+unsafe.Offsetof(t.Wide.Lengths)), at(wide+unsafe.Offsetof(t.Wide.Symbols))
		w.shifts = at(wide + unsafe.Offsetof(t.Wide.Shifts))
	} else {
		narrow := unsafe.Offsetof(t.Narrow)
		w.longLengths, w.longSymbols = at(narrow+unsafe.Offsetof(t.Narrow.Lengths)), at(narrow+unsafe.Offsetof(t.Narrow.Symbols))
		w.shifts = at(narrow + unsafe.Offsetof(t.Narrow.Shifts))
	}
	return w
}
