package emit

import "fmt"

// ExplainCPU tells how the shape of the decoder for CPUs was chosen. Costs are cycles a weight, computed.
func ExplainCPU(p *Plan) []Explanation {
	c := &p.windows
	rows := [][]string{{"long codes in", "bits looked up", "merges", "left to Go", "cost", ""}}
	for i, s := range c.candidates {
		bits := fmt.Sprint(s.LongBits())
		if len(s.Long) == 0 {
			bits = "none"
		}
		note := ""
		if i == c.best {
			note = "chosen"
		}
		rows = append(rows, []string{
			fmt.Sprintf("%d of 4 steps", len(s.Long)), bits, fmt.Sprint(s.Merges), fmt.Sprintf("%.3f %%", 100*s.mended),
			fmt.Sprintf("%.3f", s.cost), note,
		})
	}
	if c.best < 0 {
		rows = append(rows, []string{"none: the codes cannot be decoded by windows", "", "", "", "", ""})
	}
	return []Explanation{{"AVX-512: steps that look up codes of more than 6 bits, and by how many bits", rows}}
}
