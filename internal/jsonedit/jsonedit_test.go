package jsonedit

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/internal/cost"
)

func TestRemove(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"last", "{\n  \"a\": 1,\n  \"x\": 2\n}", "{\n  \"a\": 1\n}"},
		{"first", `{"x": {"x": 1}, "a": 1}`, `{"a": 1}`},
		{"middle", `{"a": 1, "x": [3], "b": 2}`, `{"a": 1, "b": 2}`},
		{"alone", `{"x": 1}`, `{}`},
		{"numbers of Python", `{"a": NaN, "x": -Infinity, "b": "NaN\"x", "c": [Infinity, -1]}`, `{"a": NaN, "b": "NaN\"x", "c": [Infinity, -1]}`},
		{"nested is left", `{"a": {"x": 1}}`, `{"a": {"x": 1}}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, found, err := Remove([]byte(c.text), "x")
			if err != nil || string(got) != c.want || found != (c.text != c.want) {
				t.Errorf("got %q, %v, %v, want %q", got, found, err, c.want)
			}
		})
	}
}

func TestReplace(t *testing.T) {
	text := `{"dtype": "float32", "a": [{"dtype": "float32"}, 1e400], "b": {"c": {"dtype":"float32"}}, "d": "float32"}`
	got, n, err := Replace([]byte(text), func(m Member, value []byte) []byte {
		if m.Name == "dtype" && string(value) == `"float32"` {
			return []byte(`"bfloat16"`)
		}
		return nil
	})
	want := strings.ReplaceAll(text, `"dtype": "float32"`, `"dtype": "bfloat16"`)
	want = strings.ReplaceAll(want, `"dtype":"float32"`, `"dtype":"bfloat16"`)
	if err != nil || n != 3 || string(got) != want {
		t.Errorf("got %q, %d, %v, want %q", got, n, err, want)
	}
}

func TestMembersErrors(t *testing.T) {
	for _, text := range []string{"", "[]", "1", "{", `{"a":}`, "{} {}", "{\"a\": \"\xff\"}", "null"} {
		t.Run(text, func(t *testing.T) {
			if m, err := Members([]byte(text)); err == nil {
				t.Errorf("no error, members %v", m)
			}
		})
	}
}

func TestStandard(t *testing.T) {
	const in = `{"a\\":NaN,"Infinity\"NaN":[Infinity,-Infinity],"c":-1}`
	const want = `{"a\\":1.0,"Infinity\"NaN":[1.000000,-1.000000],"c":-1}`
	if have := string(Standard([]byte(in))); have != want {
		t.Errorf("have %s", have)
	}
}

func TestExplain(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`[]`, "unexpected array at byte 1"},
		{`{"a": {"b": "x"}}`, "a.b: unexpected string"},
		{`{"a": `, "unexpected end of JSON input"},
	} {
		var v struct {
			A struct {
				B int `json:"b"`
			} `json:"a"`
		}
		if err := Explain(json.Unmarshal([]byte(c.text), &v)); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.text, err, c.want)
		}
	}
}

func TestPrintable(t *testing.T) {
	const in = "{\n  \"a\u009b\x7f\u202e\u2028\U000e0001\u00a0 é日本😀\": \"\\u001b \"\n}"
	const want = "{\n  \"a\\u009b\\u007f\\u202e\\u2028\\udb40\\udc01\\u00a0 é日本😀\": \"\\u001b \"\n}"
	got := Printable([]byte(in))
	if string(got) != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := Printable([]byte("\"\x9b\"")); string(got) != `"\ufffd"` {
		t.Errorf("got %q for what is not UTF-8", got)
	}
	var before, after map[string]string
	if err := json.Unmarshal([]byte(in), &before); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(got, &after); err != nil || !maps.Equal(before, after) {
		t.Errorf("means %q, %v, want %q", after, err, before)
	}
}

func TestStream(t *testing.T) {
	const text = `{"list": ["a", null, "bc"], "none": null, "skip": {"x": [{}, "}", 1e400]}, "object": {"k": [true]}, "skip": 3}`
	var got []string
	err := Stream(strings.NewReader(text), func(d *json.Decoder, name string) error {
		got = append(got, name)
		switch name {
		case "list", "none":
			return Array(d, func(d *json.Decoder) error {
				s, err := String(d, 2)
				got = append(got, s)
				return err
			})
		case "object":
			return Object(d, func(d *json.Decoder, name string) error {
				got = append(got, name)
				return Skip(d)
			})
		}
		return Skip(d)
	})
	want := []string{"list", "a", "", "bc", "none", "skip", "object", "k", "skip"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("read %q, %v, want %q", got, err, want)
	}
}

func TestStreamErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "unexpected end"},
		{"{", "unexpected end"},
		{`{"a"`, "unexpected end"},
		{`{"a": [`, "unexpected end"},
		{`{"a": 1,}`, "invalid character"},
		{`{"a": 1 "b": 2}`, "invalid character"},
		{"[]", "unexpected array, want an object"},
		{"true", "unexpected truth value, want an object"},
		{"{} {}", "more than one JSON value"},
		{"{} x", "invalid character"},
		{`{"a": "b"`, "unexpected end"},
		{`{"a": ` + strings.Repeat("[", maxDepth+1), "nested more than 10000 deep"},
		{`{"a": ` + strings.Repeat("[", maxDepth), "unexpected end"},
	} {
		err := Stream(strings.NewReader(c.text), func(d *json.Decoder, _ string) error { return Skip(d) })
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.20s: error %v, want one with %q", c.text, err, c.want)
		}
	}
}

// TestDeep edits texts as deep as package json accepts them, and no deeper. Nothing may overflow the stack.
func TestDeep(t *testing.T) {
	nested := func(depth int) []byte {
		return []byte(strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth))
	}
	if all, err := Members(nested(maxDepth)); err != nil || len(all) != maxDepth || all[0].Depth != maxDepth {
		t.Errorf("%d members, %v", len(all), err)
	}
	for _, depth := range []int{maxDepth + 1, 1 << 20} {
		if _, err := Members(nested(depth)); err == nil || !strings.Contains(err.Error(), "max depth") {
			t.Errorf("%d deep: %v", depth, err)
		}
	}
}

// editFactor bounds the memory of an edit, in bytes for each byte of the text. A member and its tokens take more
// bytes than their text, which may be as short as "":0, is.
const editFactor = 200

func TestWork(t *testing.T) {
	for _, part := range []string{`"":0,`, `"a":{"b":{}},`, `"a":[[],[]],`, `"a":NaN,`, `"a":"\u0001",`} {
		t.Run(part, func(t *testing.T) {
			cost.Linear(t, 5000, func(n int) func() {
				text := []byte("{" + strings.Repeat(part, n) + `"end": 1}`)
				edit := func() {
					_, _, err := Replace(text, func(m Member, _ []byte) []byte { return nil })
					if err != nil {
						t.Error(err)
					}
				}
				cost.Bounded(t, len(text), 64<<10, editFactor, edit)
				return edit
			})
		})
	}
}

func FuzzEdits(f *testing.F) {
	f.Add(`{"a": {"b": [1, {"c": null}]}, "new": 3}`)
	f.Add("{}")
	f.Add("{\n \"new\": [],\n \"z\": \"\\u0000\"}\n")
	f.Add(`{"new": NaN, "a": -Infinity}`)
	f.Fuzz(func(t *testing.T, text string) {
		var all []Member
		var err error
		cost.Bounded(t, len(text), 64<<10, editFactor, func() { all, err = Members([]byte(text)) })
		if err != nil {
			return
		}
		bare, found, err := Remove([]byte(text), "new")
		if err != nil || !json.Valid(Standard(bare)) {
			t.Fatalf("Remove(%q) = %q, %v", text, bare, err)
		}
		rest, err := Members(bare)
		if err != nil || found && len(rest) >= len(all) || !found && len(rest) != len(all) {
			t.Fatalf("%q has %d members, %q has %d, %v", text, len(all), bare, len(rest), err)
		}
		one, n, err := Replace([]byte(text), func(m Member, _ []byte) []byte {
			if m.Depth == 1 {
				return []byte("1")
			}
			return nil
		})
		if err != nil || !json.Valid(one) || found && n == 0 {
			t.Fatalf("Replace(%q) = %q, %d, %v", text, one, n, err)
		}
	})
}
