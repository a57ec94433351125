package model

import (
	"fmt"
	"strings"
	"testing"
)

// TestBudgets asks for more than any model needs.
func TestBudgets(t *testing.T) {
	many := func(n int, entry func(i int) string) string {
		var b strings.Builder
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(entry(i))
		}
		return "{" + b.String() + "}"
	}
	patterns := func(text string) error { _, err := ParsePatterns([]byte(text)); return err }
	header := func(text string) error { _, err := ParseHeader([]byte(text), 0); return err }
	empty := func(name string) string {
		return fmt.Sprintf(`%q:{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`, name)
	}
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"repetitions", patterns(many(20, func(i int) string {
			return fmt.Sprintf(`%q:["x"]`, strings.Repeat("(.?){1000}", 100)+fmt.Sprint(i))
		})), "compile to more than 20000 instructions"},
		{"nested repetitions", patterns(`{"` + strings.Repeat("(a{30}){30}", 30) + `":[]}`), "compile to more than 20000 instructions"},
		{"patterns together", patterns(many(3000, func(i int) string { return fmt.Sprintf(`"layer_%d\\.\\d+":[]`, i) })), "compile to more than"},
		{"number of patterns", patterns(many(maxPatterns+1, func(i int) string { return fmt.Sprintf(`"a%d":[]`, i) })), "more than 16384 patterns"},
		{"bytes of patterns", patterns(fmt.Sprintf(`{%q:[]}`, strings.Repeat("a|", maxPatternBytes/2+1))), "patterns of more than 16777216 bytes"},
		{"attributes", patterns(`{"a":["` + strings.Join(strings.Fields(fmt.Sprint(make([]int, maxPatterns+1))), `","`) + `"]}`), "16385 attributes, max 16384"},
		{"name", header("{" + empty(strings.Repeat("n", maxName+1)) + "}"), "name of 4097 bytes, max 4096"},
		{"dimensions", header(`{"a":{"dtype":"U8","shape":[0` + strings.Repeat(",1", maxRank) + `],"data_offsets":[0,0]}}`), "65 dimensions, max 64"},
		{"matching", matchingWork(), "too much work to match"},
		{"long name of a weight", giveNames(1, maxName+1), "name of 4097 bytes for a weight, max 4096"},
		{"weights", giveNames(maxTensors+1, 1), "more than 1048576 weights"},
		{"names of weights", giveNames(maxNames/maxName+1, maxName), "names of weights of more than 268435456 bytes"},
		{"attributes of units", func() error {
			m, err := Patterns{{Regex: ".*", Attrs: []string{strings.Repeat("a", 2100), "b"}}}.compile()
			if err != nil {
				return err
			}
			return (&Unit{Name: strings.Repeat("n", 2000)}).name([]int{0, 0, 0}, m)
		}(), "name of 4108 bytes for a weight"},
		{"split positions", (&Unit{Name: strings.Repeat("n", maxName-3)}).name(make([]int, 12), &matcher{}), "name of 4097 bytes for a weight"},
		{"patterns that do not match", manyPatterns(), "too much work to match"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantError(t, tt.err, tt.want) })
	}
	for name, err := range map[string]error{
		"the longest name":           header("{" + empty(strings.Repeat("n", maxName)) + "}"),
		"as many dimensions":         header(`{"a":{"dtype":"U8","shape":[0` + strings.Repeat(",1", maxRank-1) + `],"data_offsets":[0,0]}}`),
		"the longest name of weight": giveNames(1, maxName),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := patterns(fmt.Sprintf(`{%q:[]}`, strings.Repeat(`model\.layers\.1\.mlp\.experts\.1|`, 50_000)+"a")); err != nil {
		t.Errorf("a list of names: %v", err)
	}
}

// matchingWork matches a long name, when most of the work that may be done is.
func matchingWork() error {
	m, err := Patterns{{Regex: strings.Repeat("(a?b?){10}", 100)}}.compile()
	if err != nil {
		return err
	}
	name := strings.Repeat("a", 1000)
	if len(m.all(name)) != 1 || m.exhausted() != nil {
		return fmt.Errorf("no match with %d done", m.spent)
	}
	m.spent = maxMatching - 100
	if len(m.all(name)) != 0 {
		return fmt.Errorf("a match with %d done", m.spent)
	}
	return m.exhausted()
}

// giveNames gives names of so many bytes to weights.
func giveNames(weights, bytes int) (err error) {
	m, name := &matcher{}, strings.Repeat("n", bytes)
	for range weights {
		err = m.give(name)
	}
	return err
}

// manyPatterns compares a name with patterns that begin differently, after most of the permitted work is done.
func manyPatterns() error {
	m, err := Patterns{{Regex: "a.*"}, {Regex: "b.*"}, {Regex: "c.*"}}.compile()
	if err != nil {
		return err
	}
	m.spent = maxMatching - 3
	if m.all("x"); m.exhausted() != nil {
		return fmt.Errorf("exhausted with %d done", m.spent)
	}
	m.all("x")
	return m.exhausted()
}

// TestMissingBudget lacks more than can be listed.
func TestMissingBudget(t *testing.T) {
	tests := []struct {
		name string
		find func(f *finder)
	}{
		{"layers", func(f *finder) {
			for i := range 100 {
				f.add(fmt.Sprintf("stack%d.%d.norm.weight", i, maxLayers-1))
			}
			f.layers()
		}},
		{"attributes", func(f *finder) {
			var attrs []string
			for i := range maxPatterns {
				attrs = append(attrs, fmt.Sprint("attr", i))
			}
			for i := range 100 {
				f.unit(fmt.Sprint("unit", i), attrs)
			}
		}},
		{"modules", func(f *finder) {
			for i := range 1000 {
				f.add(fmt.Sprint(i) + strings.Repeat(".a", 1000) + weightSuffix)
			}
			for _, module := range f.modules() {
				f.miss(module, "")
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFinder(&Container{})
			tt.find(f)
			bytes := 0
			for _, m := range f.list {
				bytes += len(m.Name)
			}
			if bytes > maxMissing/missingWork || f.left != 0 {
				t.Errorf("%d names of %d bytes are listed, max %d; %d work is left", len(f.list), bytes, maxMissing/missingWork, f.left)
			}
		})
	}
}

// TestModulesBudget has more modules than any model.
func TestModulesBudget(t *testing.T) {
	var tensors []*Tensor
	for i := range 1100 {
		tensors = append(tensors, &Tensor{Name: fmt.Sprint(i) + strings.Repeat(".a", 1000) + weightSuffix})
	}
	_, err := newModuleSet(tensors)
	wantError(t, err, "more than 1048576 modules")
}
