package torture

import (
	"slices"
	"strings"
	"testing"
)

// TestHostileTexts changes a text in every way, except by the hostile values, which are the same for all texts.
func TestHostileTexts(t *testing.T) {
	text := `{"a": 1, "b": [2, {"a": "{\"c\":3}"}]}`
	values := len(jsonValues([]byte(text)))
	want := []string{
		`{"a": [2, {"a": "{\"c\":3}"}], "b": [2, {"a": "{\"c\":3}"}]}`, // the value of the next member
		`{"a": "{\"c\":3}", "b": [2, {"a": "{\"c\":3}"}]}`,             // the value of the next member with the same name
		`{ "b": [2, {"a": "{\"c\":3}"}]}`,
		`{"a": 1}`,
		`{"a": 1, "b": [ {"a": "{\"c\":3}"}]}`,
		`{"a": 1, "b": [2]}`,
		`{"a": 1, "b": [2, {}]}`,
		`{"a": 1, "b": [2, {"a": "{}"}]}`, // within a string
		`{"a": 1,"a": 1, "b": [2, {"a": "{\"c\":3}"}]}`,
		`{"a": 1,"a": null, "b": [2, {"a": "{\"c\":3}"}]}`,
		`{"a": 1, "b": [2,2, {"a": "{\"c\":3}"}]}`,
	}
	have := map[string]int{}
	n := 0
	for what, change := range hostileTexts([]byte(text)) {
		if what() == "" {
			t.Error("a change without a name")
		}
		have[string(change())]++
		n++
	}
	for _, w := range want {
		if have[w] == 0 {
			t.Errorf("lacks %s", w)
		}
	}
	if values != 5 {
		t.Errorf("%d values", values)
	}
	for _, v := range hostileValues {
		if !slices.ContainsFunc([]string{`{"a": `, `[2, {"a": `, `"b": [`}, func(before string) bool {
			for text := range have {
				if strings.Contains(text, before+v) {
					return true
				}
			}
			return false
		}) {
			t.Errorf("lacks %.40s", v)
		}
	}
	// Each value, and the one within the string, is replaced, left out, and doubled in three ways. It is also
	// replaced by its neighbours, of which there are 2 + 0 + 1 + 0 + 0 + 0.
	if want := (values+1)*(len(hostileValues)+4) + 3; n != want {
		t.Errorf("%d changes, want %d", n, want)
	}
}
