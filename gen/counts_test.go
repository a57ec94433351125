package gen

import (
	"encoding/json"
	"testing"
)

func TestCountsJSON(t *testing.T) {
	var c Counts
	c[9], c[118], c[255] = 1, 1<<63, 2
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"9":1,"118":9223372036854775808,"255":2}`; string(text) != want {
		t.Errorf("counts as JSON: %s, want %s", text, want)
	}
	back := Counts{7: 7}
	if err := json.Unmarshal(text, &back); err != nil || back != c {
		t.Errorf("read back: %v, %v; want %v", back, err, c)
	}
	for _, broken := range []string{`{"256": 1}`, `{"-1": 1}`, `{"118": -1}`, `{"118": 0.5}`, `[1]`} {
		if err := json.Unmarshal([]byte(broken), &back); err == nil {
			t.Errorf("%s is read as %v, want an error", broken, back)
		}
	}
}
