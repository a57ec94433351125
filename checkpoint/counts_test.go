package checkpoint

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
}
