package codebook

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

// A publishedCase is an output of the published encoder: dfloat11 0.5.0 with dahuffman 0.4.2.
type publishedCase struct {
	Name   string           `json:"name"`
	Counts map[uint8]uint64 `json:"counts"`
	Fails  string           `json:"fails"` // the exception that the published encoder raises
	Luts   []byte           `json:"luts"`

	Exponents       []byte `json:"exponents"` // absent where only the code book was recorded
	EncodedExponent []byte `json:"encoded_exponent"`
	OutputPositions []byte `json:"output_positions"`
	Gaps            []byte `json:"gaps"`
}

func readPublished(t testing.TB) []publishedCase {
	t.Helper()
	text, err := os.ReadFile("testdata/published.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []publishedCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

func (c *publishedCase) histogram() *Histogram {
	var h Histogram
	for s, n := range c.Counts {
		h[s] = n
	}
	return &h
}

// undefined are the recorded cases in which the published encoder's choice depends on numpy's partition.
var undefined = map[string]bool{"powers of two tied at the boundary": true}

func TestPublishedBook(t *testing.T) {
	for _, c := range readPublished(t) {
		t.Run(c.Name, func(t *testing.T) {
			b, err := Published(c.histogram())
			if refused := err != nil; refused != (c.Fails != "" || undefined[c.Name]) {
				t.Fatalf("error %v, published encoder raises %q", err, c.Fails)
			}
			if err != nil {
				return
			}
			if !bytes.Equal(b.Luts(), c.Luts) {
				t.Errorf("luts differ:\n got %v\nwant %v", b.Luts(), c.Luts)
			}
			parsed, err := ParseLuts(c.Luts)
			if err != nil {
				t.Fatal(err)
			}
			if parsed.codes != b.codes || parsed.eos != b.eos {
				t.Errorf("parsed codes differ from the book's")
			}
			if parsed.Fingerprint() != b.Fingerprint() {
				t.Errorf("fingerprint %v after parsing, %v before", parsed.Fingerprint(), b.Fingerprint())
			}
		})
	}
}

func TestPublishedStream(t *testing.T) {
	for _, c := range readPublished(t) {
		if c.Exponents == nil || c.Fails != "" {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			weights := make([]uint16, len(c.Exponents))
			for i, e := range c.Exponents {
				weights[i] = Join(e, uint8(i))
			}
			b, err := Published(c.histogram())
			if err != nil {
				t.Fatal(err)
			}
			s, err := Encode(b, weights)
			if err != nil {
				t.Fatal(err)
			}
			for _, tensor := range []struct {
				name      string
				got, want []byte
			}{
				{"encoded_exponent", s.Encoded, c.EncodedExponent},
				{"output_positions", s.OutputPositions, c.OutputPositions},
				{"gaps", s.Gaps, c.Gaps},
			} {
				if !bytes.Equal(tensor.got, tensor.want) {
					t.Errorf("%s: %d bytes differ from the published %d", tensor.name, len(tensor.got), len(tensor.want))
				}
			}
			checkRoundTrip(t, s, weights)
		})
	}
}

// TestPublishedTiedOnes codes counts whose tree is too deep and whose rarest symbols occur once. Counting these
// once changes nothing, whichever they are.
func TestPublishedTiedOnes(t *testing.T) {
	h := &Histogram{60: 1, 61: 1, 62: 1, 63: 1}
	for k := range 40 {
		h[64+k] = 4 << k
	}
	limited := *h
	for s := 64; huffman(&limited).depth() > MaxLength; s++ {
		limited[s] = 1
	}
	got, err := Published(h)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Published(&limited)
	if err != nil {
		t.Fatal(err)
	}
	if got.codes != want.codes || limited == *h {
		t.Error("another code than with the rarest counted once")
	}
	h[61], h[62], h[63] = 2, 2, 0
	if _, err := Published(h); err == nil || !containsAll(err.Error(), "choice of the 2 rarest", "several occur 2 times") {
		t.Errorf("error %v, want one that says which choice is undefined", err)
	}
}

func TestPublishedRefusesTooManyTables(t *testing.T) {
	h := &Histogram{0: 1 << 20}
	for s := 1; s < 240; s++ {
		h[s] = uint64(1000 + s)
	}
	if b, err := Published(h); err == nil {
		t.Errorf("book with %d rows, want an error", len(b.Luts())/rowBytes)
	}
}
