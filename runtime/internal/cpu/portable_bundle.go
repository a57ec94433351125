package cpu

// A strand is a chunk that is being decoded.
type strand struct {
	busy  bool
	chunk int
	bit   uint64 // where its next code begins
	sm    []byte // of the elements that are left
	dst   []uint16
}

// A bundle decodes chunks side by side, each as a strand, while they have room for a portion. The rest of each
// chunk is then decoded alone.
type bundle struct {
	*portable
	stream   *stream
	dst      []uint16
	base     int // the first element of dst
	next     int // the first chunk that was not given to a strand
	to       int // one past the last chunk to decode; lowered to the first bad one
	strands  [strandCount]strand
	portions portions
}

func (p *portable) decode(s *stream, from, to int, dst []uint16) int {
	base, _ := s.ChunkStart(from)
	b := bundle{portable: p, stream: s, dst: dst, base: base, next: from, to: to}
	for b.fill() {
		b.portions.decode(p, s.Encoded)
		b.merge()
	}
	return b.to
}

func (p *portable) sides() int { return strandCount }

// fill gives every strand a chunk with room for a portion. It reports whether any strand has one.
func (b *bundle) fill() bool {
	live := -1
	for i := range b.strands {
		t := &b.strands[i]
		for !t.busy && b.next < b.to {
			b.start(t, b.next)
			b.next++
		}
		if t.busy {
			live = i
		}
	}
	if live < 0 {
		return false
	}
	for i := range b.strands {
		t := &b.strands[i]
		if !t.busy {
			t = &b.strands[live] // decoded once more, without effect
		}
		b.portions.bit[i] = t.bit
	}
	return true
}

// start lets strand t decode chunk c.
func (b *bundle) start(t *strand, c int) {
	first, bit := b.stream.ChunkStart(c)
	end, _ := b.stream.ChunkStart(c + 1)
	if first == end {
		return // no code starts in this chunk
	}
	*t = strand{true, c, bit, b.stream.SignMantissa[first:end], b.dst[first-b.base : end-b.base]}
	b.check(t)
}

// check ends strand t if it has no room for a portion.
func (b *bundle) check(t *strand) {
	if t.bit/8+portionBytes > uint64(len(b.stream.Encoded)) || len(t.dst) < portionSymbols {
		b.end(t)
	}
}

// end decodes the rest of the chunk of strand t.
func (b *bundle) end(t *strand) {
	t.busy = false
	if b.finish(b.stream, t.chunk, t.bit, t.sm, t.dst) {
		return
	}
	// Chunks behind a bad one do not matter any more. Those before it do.
	b.to = t.chunk
	for i := range b.strands {
		b.strands[i].busy = b.strands[i].busy && b.strands[i].chunk < b.to
	}
}

// merge joins the symbols of the portions with their sign_mantissa bytes, and moves the strands.
func (b *bundle) merge() {
	for i := range b.strands {
		t := &b.strands[i]
		if !t.busy {
			continue
		}
		n := b.portions.n[i]
		if n == 0 {
			b.end(t)
			continue
		}
		mergePortion((*[portionSymbols]uint16)(t.dst), (*[portionSymbols]byte)(t.sm), b.portions.of(i), n)
		t.bit, t.sm, t.dst = b.portions.bit[i], t.sm[n:], t.dst[n:]
		b.check(t)
	}
}
