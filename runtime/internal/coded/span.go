package coded

// A Span is what is decoded at once: elements [From, To) of a unit. The tensors [First, Last) of the unit lie in it as a
// whole, and can be checked.
type Span struct {
	Unit        *Unit
	From, To    int
	First, Last int
}

// Whole is the span of a unit.
func (u *Unit) Whole() Span { return Span{u, 0, u.Elements(), 0, len(u.Tensors)} }

// Tensor is the span of a tensor, given its number.
func (u *Unit) Tensor(i int) Span {
	t := &u.Tensors[i]
	return Span{u, t.From, t.To, i, i + 1}
}

// Elements is the number of weights.
func (s Span) Elements() int { return s.To - s.From }

// Part is n elements of the span from one on, which cannot be checked.
func (s Span) Part(from, n int) Span {
	return Span{Unit: s.Unit, From: s.From + from, To: s.From + from + n}
}
