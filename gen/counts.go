package gen

import (
	"encoding/json"
	"fmt"
)

// Counts is a number for each exponent. As JSON it is an object without the zeros, in the order of
// the exponents: {"118": 52, "119": 17}.
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

// UnmarshalJSON reads the object.
func (c *Counts) UnmarshalJSON(text []byte) error {
	var some map[uint8]uint64
	if err := json.Unmarshal(text, &some); err != nil {
		return err
	}
	*c = Counts{}
	for exponent, n := range some {
		c[exponent] = n
	}
	return nil
}
