package cpu

// A strand is a chunk under way.
type strand struct {
	busy  bool
	chunk int
	bit   uint64 // where its next code begins
	sm    []byte // of the elements that are left
	dst   []uint16
}

// A bundle decodes chunks side by side, a strand each, as long as they have room for batches. What
// is left of a chunk then is finished alone.
type bundle struct {
	*portable
	stream  *stream
	dst     []uint16
	base    int // the first element of dst
	next    int // the first chunk that no strand has had
	to      int // one past the last chunk to decode; lowered to the first bad one
	strands [strandCount]strand
	batch   batch
}

func (p *portable) decode(s *stream, from, to int, dst []uint16) int {
	base, _ := s.ChunkStart(from)
	b := bundle{portable: p, stream: s, dst: dst, base: base, next: from, to: to}
	for b.fill() {
		b.batch.run(p, s.Encoded)
		b.merge()
	}
	return b.to
}

func (p *portable) sides() int { return strandCount }

// fill gives every strand a chunk with room for a batch. It reports whether any strand has one.
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
			t = &b.strands[live] // to no effect
		}
		b.batch.bit[i] = t.bit
	}
	return true
}

// start lets t decode chunk c.
func (b *bundle) start(t *strand, c int) {
	first, bit := b.stream.ChunkStart(c)
	end, _ := b.stream.ChunkStart(c + 1)
	if first == end {
		return // no code starts in this chunk
	}
	*t = strand{true, c, bit, b.stream.SignMantissa[first:end], b.dst[first-b.base : end-b.base]}
	b.check(t)
}

// check finishes t if it has no room for a batch.
func (b *bundle) check(t *strand) {
	room := len(b.table) == 1<<portableBits && t.bit/8+strandBytes <= uint64(len(b.stream.Encoded))
	if !room || len(t.dst) < batchSymbols {
		b.end(t)
	}
}

// end finishes t.
func (b *bundle) end(t *strand) {
	t.busy = false
	if b.finish(b.stream, t.chunk, t.bit, t.sm, t.dst) {
		return
	}
	// Later chunks do not matter any more, earlier ones that are under way do.
	b.to = t.chunk
	for i := range b.strands {
		b.strands[i].busy = b.strands[i].busy && b.strands[i].chunk < b.to
	}
}

// merge joins the symbols of a batch with their sign_mantissa bytes, and moves the strands.
func (b *bundle) merge() {
	for i := range b.strands {
		t := &b.strands[i]
		if !t.busy {
			continue
		}
		n := b.batch.n[i]
		if n == 0 {
			b.end(t)
			continue
		}
		mergeBatch((*[batchSymbols]uint16)(t.dst), (*[batchSymbols]byte)(t.sm), b.batch.of(i), n)
		t.bit, t.sm, t.dst = b.batch.bit[i], t.sm[n:], t.dst[n:]
		b.check(t)
	}
}
