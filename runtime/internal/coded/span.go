package coded

// A Span is the elements [From, To) of a unit, to be decoded by one call. Tensors [First, Last) of the unit are
// completely in the span, and can be checked.
type Span struct {
	Unit        *Unit
	From, To    int
	First, Last int
}

// Whole is the span of the whole unit.
func (u *Unit) Whole() Span { return Span{u, 0, u.Elements(), 0, len(u.Tensors)} }

// Tensor is the span of tensor i.
func (u *Unit) Tensor(i int) Span {
	t := &u.Tensors[i]
	return Span{u, t.From, t.To, i, i + 1}
}

// Elements is the number of weights.
func (s Span) Elements() int { return s.To - s.From }

// Part is the n elements of the span from its element from on. They cannot be checked.
func (s Span) Part(from, n int) Span {
	return Span{Unit: s.Unit, From: s.From + from, To: s.From + from + n}
}
