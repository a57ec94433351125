package codebook

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
)

// minLink is the smallest byte value of a prefix table that links to another table.
const minLink = MaxSymbol + 1

// rowBytes is the number of entries in a row of the luts tensor.
const rowBytes = 256

// A prefix names a prefix table: the bits, a multiple of 8, that lead to it.
type prefix struct {
	bits  uint32
	bytes int
}

// buildLuts lays out the prefix tables, shorter prefixes first, and then the row of code lengths.
//
// An entry that no code reaches repeats the value of the entry before it, in the same table or at the end of the
// table before. The published encoder does so, too, and then a stray lookup always finds a symbol with a length.
// The very first entry has none before it, so a code that leaves it open is refused. Canonical books carry the
// first half of their fingerprint in the length entries of the symbols 240 to 255, which no published kernel
// reads.
func (b *Book) buildLuts() ([]byte, error) {
	prefixes := b.prefixes()
	if len(prefixes) > MaxTables {
		return nil, fmt.Errorf("codebook: the code needs %d prefix tables, DF11 has %d", len(prefixes), MaxTables)
	}
	if len(b.sorted) > 0 && b.codes[b.sorted[0]].start()>>(MaxLength-8) != 0 {
		return nil, fmt.Errorf("codebook: no code takes the first table entry, eight zeros; DF11 has no value for it")
	}
	luts := make([]byte, (len(prefixes)+1)*rowBytes)
	var value byte
	for t, p := range prefixes {
		keys := b.tableKeys(p, prefixes)
		for i := range rowBytes {
			if v, ok := keys[byte(i)]; ok {
				value = v
			}
			luts[t*rowBytes+i] = value
		}
	}
	lengths := luts[len(prefixes)*rowBytes:]
	for _, s := range b.symbols {
		lengths[s] = b.codes[s].Length
	}
	if b.canonical && len(b.symbols) > 0 {
		copy(lengths[minLink:], b.fingerprint[:])
	}
	return luts, nil
}

// prefixes returns the root and every prefix of whole bytes that a code goes on after, by length and value.
func (b *Book) prefixes() []prefix {
	prefixes := []prefix{{}}
	for _, s := range b.sorted {
		c := b.codes[s]
		for n := 1; 8*n < int(c.Length); n++ {
			p := prefix{bits: c.Bits >> (int(c.Length) - 8*n), bytes: n}
			if !slices.Contains(prefixes, p) {
				prefixes = append(prefixes, p)
			}
		}
	}
	slices.SortStableFunc(prefixes, func(x, y prefix) int {
		if x.bytes != y.bytes {
			return x.bytes - y.bytes
		}
		return cmp.Compare(x.bits, y.bits)
	})
	return prefixes
}

// tableKeys returns the value of the first entry of each code or link in the table of p.
func (b *Book) tableKeys(p prefix, prefixes []prefix) map[byte]byte {
	keys := map[byte]byte{}
	for _, s := range b.sorted {
		c := b.codes[s]
		if int(c.Length) <= 8*p.bytes || uint64(c.start())>>(MaxLength-8*p.bytes) != uint64(p.bits) {
			continue
		}
		key := byte(c.start() >> (MaxLength - 8*(p.bytes+1)))
		if int(c.Length) <= 8*(p.bytes+1) {
			keys[key] = s
			continue
		}
		link := slices.Index(prefixes, prefix{bits: p.bits<<8 | uint32(key), bytes: p.bytes + 1})
		keys[key] = byte(256 - link)
	}
	return keys
}

// ParseLuts returns the code book of a luts tensor, given as its rows one after another.
//
// Entries that no code reaches may repeat any earlier entry. So in table order, the first place that fits the
// length of a symbol is its code, and the first link to a table is its prefix. ParseLuts fails if a symbol with a
// length has no place, or if the codes are not prefix-free.
func ParseLuts(luts []byte) (*Book, error) {
	rows := len(luts) / rowBytes
	if len(luts)%rowBytes != 0 || rows < 2 || rows > MaxTables+1 {
		return nil, fmt.Errorf("codebook: luts of %d bytes, want 2 to %d rows of %d", len(luts), MaxTables+1, rowBytes)
	}
	tables, lengths := luts[:(rows-1)*rowBytes], luts[(rows-1)*rowBytes:]
	for s, length := range lengths[:minLink] {
		if length > MaxLength {
			return nil, fmt.Errorf("codebook: luts: symbol %d has a code of %d bits, the longest possible is %d", s, length, MaxLength)
		}
	}
	codes, err := parseTables(tables, lengths)
	if err != nil {
		return nil, err
	}
	for s, length := range lengths[:minLink] {
		if length > 0 && codes[s].Length == 0 {
			return nil, fmt.Errorf("codebook: luts: symbol %d has %d bits and stands in no table", s, length)
		}
	}
	return NewBook(&codes, unusedCode(&codes))
}

// parseTables finds the code of every symbol with a length.
func parseTables(tables, lengths []byte) (codes [256]Code, err error) {
	known := make([]bool, len(tables)/rowBytes)
	prefixes := make([]prefix, len(known))
	known[0] = true
	for t := range known {
		if !known[t] {
			continue
		}
		p, table := prefixes[t], tables[t*rowBytes:][:rowBytes]
		for i := 0; i < rowBytes; i++ {
			v := table[i]
			if v >= minLink {
				link := 256 - int(v)
				if link >= len(known) {
					return codes, fmt.Errorf("codebook: luts: table %d entry %d links to table %d of %d", t, i, link, len(known))
				}
				if link > t && !known[link] && p.bytes < 3 {
					known[link] = true
					prefixes[link] = prefix{bits: p.bits<<8 | uint32(i), bytes: p.bytes + 1}
				}
				continue
			}
			length := int(lengths[v])
			if codes[v].Length > 0 || length <= 8*p.bytes || length > 8*(p.bytes+1) {
				continue
			}
			span := 1 << (8*(p.bytes+1) - length)
			if i%span == 0 && allEqual(table[i:i+span]) {
				codes[v] = Code{Length: uint8(length), Bits: (p.bits<<8 | uint32(i)) >> bits.TrailingZeros(uint(span))}
			}
		}
	}
	return codes, nil
}

func allEqual(b []byte) bool {
	return !slices.ContainsFunc(b, func(x byte) bool { return x != b[0] })
}

// unusedCode returns the one code word that would make the code complete. It is the end-of-stream code of every
// book that this package or the published encoder makes. If the unused part is not one code word, unusedCode
// returns no code.
func unusedCode(codes *[256]Code) Code {
	used := slices.DeleteFunc(slices.Clone(codes[:]), func(c Code) bool { return c.Length == 0 })
	slices.SortFunc(used, func(x, y Code) int { return cmp.Compare(x.start(), y.start()) })
	const full = 1 << MaxLength
	var from, size, next uint64
	holes := 0
	for _, c := range used {
		if start := uint64(c.start()); start > next {
			from, size = next, start-next
			holes++
		}
		next = max(next, c.end())
	}
	if next < full {
		from, size = next, full-next
		holes++
	}
	if holes != 1 || size == full || size&(size-1) != 0 || from%size != 0 {
		return Code{}
	}
	free := bits.TrailingZeros64(size)
	return Code{Length: uint8(MaxLength - free), Bits: uint32(from >> free)}
}
