package gen

import "fmt"

// Counts is a number for each exponent. As JSON it is an object without the zeros, in the order of
// the exponents: {"118": 52, "119": 17}. [FromPath] reads it.
type Counts [256]uint64

// MarshalJSON writes the object.
func (c Counts) MarshalJSON() ([]byte, error) {
	text := []byte{'{'}
	for exponent, n := range c {
		if n == 0 {
			continue
		}
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = fmt.Appendf(text, `"%d":%d`, exponent, n)
	}
	return append(text, '}'), nil
}
