package model

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseHeader(t *testing.T) {
	tests := []struct {
		name, text string
		size       uint64
		want       string // tensors, one a word
	}{
		{"empty", `{}`, 0, ""},
		{"padded", `{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}     `, 3, "a:U8:[3]:0-3"},
		{"scalar", `{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}`, 4, "a:F32:[]:0-4"},
		{"no elements", `{"a":{"dtype":"I64","shape":[0],"data_offsets":[0,0]}}`, 0, "a:I64:[0]:0-0"},
		{"zero among dimensions", `{"a":{"dtype":"BF16","shape":[4,0,7],"data_offsets":[0,0]}}`, 0, "a:BF16:[4 0 7]:0-0"},
		{"empty between others", `{"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},"e":{"dtype":"U8","shape":[0],"data_offsets":[1,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 2,
			"a:U8:[1]:0-1 e:U8:[0]:1-1 b:U8:[1]:1-2"},
		{"order of bytes", `{"a":{"dtype":"U8","shape":[1],"data_offsets":[4,5]},"b":{"data_offsets":[0,4],"shape":[2,2],"dtype":"I8"}}`, 5, "b:I8:[2 2]:0-4 a:U8:[1]:4-5"},
		{"four bits", `{"a":{"dtype":"F4","shape":[1,2],"data_offsets":[0,1]}}`, 1, "a:F4:[1 2]:0-1"},
		{"six bits", `{"a":{"dtype":"F6_E2M3","shape":[4],"data_offsets":[0,3]}}`, 3, "a:F6_E2M3:[4]:0-3"},
		{"eight bytes", `{"a":{"dtype":"C64","shape":[2],"data_offsets":[0,16]}}`, 16, "a:C64:[2]:0-16"},
		{"escaped name", `{"\u00e9":{"dtype":"F8_E8M0","shape":[1],"data_offsets":[0,1]}}`, 1, "é:F8_E8M0:[1]:0-1"},
		{"unknown key", `{"a":{"dtype":"U8","more":[{"x":1},[]],"shape":[1],"data_offsets":[0,1]}}`, 1, "a:U8:[1]:0-1"},
		{"null metadata", `{"__metadata__":null}`, 0, ""},
		{"metadata", `{"__metadata__":{"format":"pt","n":"` + "\ufffd" + `"}}`, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, err := ParseHeader([]byte(tt.text), tt.size)
			if err != nil {
				t.Fatal(err)
			}
			var words []string
			for _, x := range h.Tensors {
				words = append(words, fmt.Sprintf("%s:%s:%v:%d-%d", x.Name, x.DType, x.Shape, x.Begin, x.End))
				if h.Tensor(x.Name) != x {
					t.Errorf("Tensor(%q) is another tensor", x.Name)
				}
			}
			if have := strings.Join(words, " "); have != tt.want {
				t.Errorf("tensors %s, want %s", have, tt.want)
			}
		})
	}
}

func TestParseHeaderMetadata(t *testing.T) {
	h, err := ParseHeader([]byte(`{"__metadata__":{"format":"pt","b":"é"}}`), 0)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"format": "pt", "b": "é"}, h.Metadata); diff != "" {
		t.Error(diff)
	}
}

// TestParseHeaderDTypes covers every element type of the format.
func TestParseHeaderDTypes(t *testing.T) {
	for _, d := range dtypes {
		t.Run(string(d.name), func(t *testing.T) {
			text := fmt.Sprintf(`{"a":{"dtype":%q,"shape":[2,4],"data_offsets":[0,%d]}}`, d.name, d.bits)
			h, err := ParseHeader([]byte(text), d.bits)
			if err != nil {
				t.Fatal(err)
			}
			if x := h.Tensors[0]; x.DType != d.name || x.Elements() != 8 || x.Size() != d.bits {
				t.Errorf("have %v with %d elements in %d bytes", x, x.Elements(), x.Size())
			}
		})
	}
}

func TestParseHeaderHostile(t *testing.T) {
	tensor := func(fields string) string { return `{"a":{` + fields + `}}` }
	const good = `{"dtype":"U8","shape":[1],"data_offsets":[0,1]}`
	tests := []struct {
		name, text string
		size       uint64
		want       string
	}{
		{"no text", ``, 0, "does not begin with '{'"},
		{"leading space", ` {}`, 0, "does not begin with '{'"},
		{"byte order mark", "\ufeff{}", 0, "does not begin with '{'"},
		{"array", `[]`, 0, "does not begin with '{'"},
		{"cut off", `{"a":{"dtype":"U8"`, 0, "unexpected EOF"},
		{"comma missing", `{"a":` + good + `"b":` + good + `}`, 1, "header"},
		{"text behind", `{} x`, 0, "text after"},
		{"second value", `{}{}`, 0, "text after"},
		{"invalid UTF-8", "{\"a\xff\":" + good + "}", 1, "not valid UTF-8 at byte 3"},
		{"half surrogate", `{"\ud800":` + good + `}`, 1, "surrogate"},
		{"duplicate tensor", `{"a":` + good + `,"a":` + good + `}`, 1, `duplicate key "a"`},
		{"duplicate by escape", `{"a":` + good + `,"\u0061":` + good + `}`, 1, `duplicate key "a"`},
		{"duplicate field", tensor(`"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]`), 1, `tensor "a": duplicate key "dtype"`},
		{"duplicate metadata", `{"__metadata__":{"a":"1","a":"2"}}`, 0, `duplicate key "a"`},
		{"metadata number", `{"__metadata__":{"a":1}}`, 0, "__metadata__: string expected, have number 1"},
		{"metadata array", `{"__metadata__":[]}`, 0, "object expected"},
		{"tensor is no object", `{"a":1}`, 0, "object expected"},
		{"dtype missing", tensor(`"shape":[1],"data_offsets":[0,1]`), 1, "is missing"},
		{"shape missing", tensor(`"dtype":"U8","data_offsets":[0,1]`), 1, "is missing"},
		{"offsets missing", tensor(`"dtype":"U8","shape":[1]`), 1, "is missing"},
		{"dtype unknown", tensor(`"dtype":"U7","shape":[1],"data_offsets":[0,1]`), 1, `unknown dtype "U7"`},
		{"dtype lower case", tensor(`"dtype":"u8","shape":[1],"data_offsets":[0,1]`), 1, `unknown dtype "u8"`},
		{"shape negative", tensor(`"dtype":"U8","shape":[-1],"data_offsets":[0,1]`), 1, "shape: integer from 0"},
		{"shape fraction", tensor(`"dtype":"U8","shape":[1.0],"data_offsets":[0,1]`), 1, "shape: integer from 0"},
		{"shape exponent", tensor(`"dtype":"U8","shape":[1e0],"data_offsets":[0,1]`), 1, "shape: integer from 0"},
		{"shape beyond 64 bits", tensor(`"dtype":"U8","shape":[18446744073709551616],"data_offsets":[0,1]`), 1, "shape: integer from 0"},
		{"shape string", tensor(`"dtype":"U8","shape":["1"],"data_offsets":[0,1]`), 1, "integer expected"},
		{"one offset", tensor(`"dtype":"U8","shape":[1],"data_offsets":[0]`), 1, "1 numbers, must have 2"},
		{"three offsets", tensor(`"dtype":"U8","shape":[1],"data_offsets":[0,1,2]`), 1, "3 numbers, must have 2"},
		{"offsets reversed", tensor(`"dtype":"U8","shape":[1],"data_offsets":[1,0]`), 1, "offsets 1..0 outside data of 1 bytes"},
		{"offsets outside", tensor(`"dtype":"U8","shape":[2],"data_offsets":[0,2]`), 1, "offsets 0..2 outside data of 1 bytes"},
		{"offset of 64 bits", tensor(`"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,18446744073709551615]`), 1, "outside data"},
		{"hole at the start", tensor(`"dtype":"U8","shape":[1],"data_offsets":[1,2]`), 2, "leave a hole of 1 bytes after 0"},
		{"hole between", `{"a":` + good + `,"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, 3, `tensor "b": offsets 2..3 leave a hole of 1 bytes after 1`},
		{"overlap", `{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, 3, "overlap"},
		{"same bytes twice", `{"a":` + good + `,"b":` + good + `}`, 1, "overlap"},
		{"empty in the middle of another", `{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[0],"data_offsets":[1,1]}}`, 2, "overlap"},
		{"bytes behind", `{"a":` + good + `}`, 3, "2 bytes after the last tensor, which ends at 1 of 3"},
		{"data without tensors", `{}`, 1, "1 bytes after the last tensor"},
		{"too small for the shape", tensor(`"dtype":"BF16","shape":[1],"data_offsets":[0,1]`), 1, "hold 1 bytes, BF16 [1] takes 2"},
		{"too large for the shape", tensor(`"dtype":"U8","shape":[1],"data_offsets":[0,2]`), 2, "hold 2 bytes, U8 [1] takes 1"},
		{"elements overflow", tensor(`"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]`), 0, "more than 2^64-1 elements"},
		{"elements overflow before a zero", tensor(`"dtype":"U8","shape":[4294967296,4294967296,0],"data_offsets":[0,0]`), 0, "more than 2^64-1 elements"},
		{"bits overflow", tensor(`"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]`), 0, "more than 2^64-1 bits"},
		{"half a byte", tensor(`"dtype":"F4","shape":[1,3],"data_offsets":[0,2]`), 2, "do not fill whole bytes"},
		{"deep", tensor(`"x":` + strings.Repeat("[", 2000)), 0, "more than 1000 levels deep"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseHeader([]byte(tt.text), tt.size)
			wantError(t, err, tt.want)
		})
	}
}

func TestParseHeaderTooLong(t *testing.T) {
	_, err := ParseHeader(make([]byte, MaxHeader+1), 0)
	wantError(t, err, "header: 100000001 bytes, max 100000000")
}
