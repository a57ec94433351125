package codebook

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
)

// Code is one code word: the low Length bits of Bits. The highest of them comes first in the stream. A Length of 0
// stands for no code.
type Code struct {
	Length uint8
	Bits   uint32
}

// String returns the code word as binary digits.
func (c Code) String() string {
	if c.Length == 0 {
		return "-"
	}
	return fmt.Sprintf("%0*b", int(c.Length), c.Bits)
}

// start returns the code word aligned to the top of 32 bits: the smallest value of the next 32 bits of a stream
// that it decodes.
func (c Code) start() uint32 { return c.Bits << (MaxLength - c.Length) }

// end is one more than the largest value of the next 32 bits of a stream that the code word decodes.
func (c Code) end() uint64 { return uint64(c.start()) + 1<<(MaxLength-c.Length) }

// A Fingerprint identifies a code book by the codes of its symbols.
type Fingerprint [sha256.Size]byte

// String returns "sha256:" and 64 hexadecimal digits.
func (f Fingerprint) String() string { return "sha256:" + hex.EncodeToString(f[:]) }

// Book is a code book: a prefix code over exponents. It is immutable and safe for concurrent use.
type Book struct {
	codes       [256]Code
	eos         Code
	sorted      []uint8 // symbols in the order of their codes
	symbols     []uint8 // the same symbols, ascending
	min, max    int
	canonical   bool
	published   bool
	luts        []byte
	fingerprint Fingerprint
}

// NewBook returns the book with the given code of each symbol and the given end-of-stream code, which may be
// absent. It fails unless the codes form a prefix code that DF11 tables can express.
func NewBook(codes *[256]Code, eos Code) (*Book, error) {
	b := &Book{codes: *codes, eos: eos}
	for s, c := range b.codes {
		if c.Length == 0 {
			continue
		}
		if s > MaxSymbol {
			return nil, fmt.Errorf("codebook: symbol %d has a code, the largest possible is %d", s, MaxSymbol)
		}
		if err := c.check(); err != nil {
			return nil, fmt.Errorf("codebook: symbol %d: %w", s, err)
		}
		b.symbols = append(b.symbols, uint8(s))
		b.max = max(b.max, int(c.Length))
		if b.min == 0 || int(c.Length) < b.min {
			b.min = int(c.Length)
		}
	}
	if err := eos.check(); err != nil {
		return nil, fmt.Errorf("codebook: end of stream: %w", err)
	}
	b.sorted = slices.Clone(b.symbols)
	slices.SortFunc(b.sorted, func(x, y uint8) int {
		return cmp.Compare(b.codes[x].start(), b.codes[y].start())
	})
	if err := b.checkPrefixFree(); err != nil {
		return nil, err
	}
	b.canonical = b.isCanonical()
	b.fingerprint = b.computeFingerprint()
	luts, err := b.buildLuts()
	if err != nil {
		return nil, err
	}
	b.luts = luts
	return b, nil
}

// check reports a code word that is too long or has bits above its length.
func (c Code) check() error {
	if c.Length > MaxLength {
		return fmt.Errorf("code of %d bits, the longest possible is %d", c.Length, MaxLength)
	}
	if uint64(c.Bits)>>c.Length != 0 {
		return fmt.Errorf("code %#x does not fit %d bits", c.Bits, c.Length)
	}
	return nil
}

// checkPrefixFree reports two codes of which one begins with the other. Codes in ascending order are prefix-free
// if the interval from start to end of each code ends where the next one begins, or before.
func (b *Book) checkPrefixFree() error {
	end := uint64(0)
	for i, s := range b.sorted {
		c := b.codes[s]
		if uint64(c.start()) < end {
			return fmt.Errorf("codebook: codes of symbols %d and %d overlap: %v, %v", b.sorted[i-1], s, b.codes[b.sorted[i-1]], c)
		}
		end = c.end()
	}
	if b.eos.Length == 0 {
		return nil
	}
	for _, s := range b.symbols {
		if c := b.codes[s]; uint64(c.start()) < b.eos.end() && uint64(b.eos.start()) < c.end() {
			return fmt.Errorf("codebook: code of symbol %d overlaps the end of stream: %v, %v", s, c, b.eos)
		}
	}
	return nil
}

// isCanonical reports whether the codes are those that their lengths give.
func (b *Book) isCanonical() bool {
	lengths := b.Lengths()
	codes, eos, err := canonicalCodes(&lengths, b.eos.Length)
	return err == nil && codes == b.codes && eos == b.eos
}

func (b *Book) computeFingerprint() Fingerprint {
	h := sha256.New()
	h.Write([]byte("bespoke code book 1\n"))
	for _, s := range b.symbols {
		c := b.codes[s]
		record := [6]byte{0: s, 1: c.Length}
		binary.BigEndian.PutUint32(record[2:], c.Bits)
		h.Write(record[:])
	}
	return Fingerprint(h.Sum(nil))
}

// Code returns the code of a symbol. Its length is 0 if the symbol has no code.
func (b *Book) Code(symbol uint8) Code { return b.codes[symbol] }

// EndOfStream returns the code that fills up the last byte of a stream. Its length is 0 if there is none.
func (b *Book) EndOfStream() Code { return b.eos }

// Symbols returns the symbols that have a code, ascending.
func (b *Book) Symbols() []uint8 { return slices.Clone(b.symbols) }

// Lengths returns the code length of every symbol, 0 for a symbol without a code.
func (b *Book) Lengths() [256]uint8 {
	var lengths [256]uint8
	for s, c := range b.codes {
		lengths[s] = c.Length
	}
	return lengths
}

// MinLength returns the length of the shortest code in bits, 0 for an empty book.
func (b *Book) MinLength() int { return b.min }

// MaxLength returns the length of the longest code in bits, 0 for an empty book. The end-of-stream code does not
// count.
func (b *Book) MaxLength() int { return b.max }

// Canonical reports whether the code lengths alone determine the codes.
func (b *Book) Canonical() bool { return b.canonical }

// IsPublished reports whether the book comes from [Published]. Streams coded with such a book are those of the
// published encoder, also in the one place where that encoder differs: see [Stream.Validate].
func (b *Book) IsPublished() bool { return b.published }

// Fingerprint identifies the book by its symbols and their codes. A book read back with
// [ParseLuts] has the fingerprint of the book that was written.
func (b *Book) Fingerprint() Fingerprint { return b.fingerprint }

// Luts returns the book as the luts tensor of DF11: its prefix tables, then the code lengths, in rows of 256
// bytes.
func (b *Book) Luts() []byte { return slices.Clone(b.luts) }

// Decode returns the symbol whose code begins the 32 bits of next, and the length of that code. The length is 0 if
// no code begins like this.
func (b *Book) Decode(next uint32) (symbol, length uint8) {
	i, found := slices.BinarySearchFunc(b.sorted, next, func(s uint8, n uint32) int {
		return cmp.Compare(b.codes[s].start(), n)
	})
	if !found {
		i--
	}
	if i < 0 {
		return 0, 0
	}
	s := b.sorted[i]
	if c := b.codes[s]; uint64(next) < c.end() {
		return s, c.Length
	}
	return 0, 0
}

// Implied returns the histogram that the code lengths imply: a symbol with a code of n bits occurs 2^(32-n) times.
func (b *Book) Implied() *Histogram {
	var h Histogram
	for _, s := range b.symbols {
		h[s] = 1 << (MaxLength - b.codes[s].Length)
	}
	return &h
}

// StreamBits returns the number of bits of the codes of all weights in h, without the bits that fill the last
// byte.
func (b *Book) StreamBits(h *Histogram) (uint64, error) {
	if err := h.Expressible(); err != nil {
		return 0, err
	}
	var bits uint64
	for s, n := range h {
		if n == 0 {
			continue
		}
		length := uint64(b.codes[s].Length)
		if length == 0 {
			return 0, fmt.Errorf("codebook: symbol %d occurs %d times and has no code", s, n)
		}
		bits += n * length
	}
	return bits, nil
}
