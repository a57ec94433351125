package codebook

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

// checkRoundTrip decodes s, compares the weights and audits the index.
func checkRoundTrip(t *testing.T, s *Stream, weights []uint16) {
	t.Helper()
	got := make([]uint16, len(weights))
	if err := Decode(got, s); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, weights) {
		t.Fatal("decoded weights differ")
	}
	if err := Audit(s); err != nil {
		t.Fatal(err)
	}
}

// draw returns n weights. Their exponents are drawn from the book's symbols, each about as often as its code
// length says.
func draw(random *rand.Rand, b *Book, n int) []uint16 {
	weights := make([]uint16, n)
	for i := range weights {
		symbol, length := b.Decode(random.Uint32())
		if length == 0 {
			symbol = b.Symbols()[0]
		}
		weights[i] = Join(symbol, uint8(random.Uint32()))
	}
	return weights
}

func TestRoundTrip(t *testing.T) {
	for name, b := range testBooks(t) {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(5, 6))
			lengths := []int{1000, 12289, 33000, 70001}
			for n := range 301 {
				lengths = append(lengths, n)
			}
			for _, n := range lengths {
				weights := draw(random, b, n)
				s, err := Encode(b, weights)
				if err != nil {
					t.Fatal(err)
				}
				checkRoundTrip(t, s, weights)
				checkSize(t, b, s, weights)
			}
		})
	}
}

func checkSize(t *testing.T, b *Book, s *Stream, weights []uint16) {
	t.Helper()
	var h Histogram
	h.Count(weights)
	size, err := ExpectedSize(&h, b)
	if err != nil {
		t.Fatal(err)
	}
	want := Size{Luts: uint64(len(s.Luts)), Stream: uint64(len(s.Encoded)), SignMantissa: uint64(len(s.SignMantissa)),
		OutputPositions: uint64(len(s.OutputPositions)), Gaps: uint64(len(s.Gaps))}
	if size != want {
		t.Fatalf("expected size %+v, is %+v", size, want)
	}
}

// TestEveryPattern codes all bfloat16 words that DF11 can express: subnormals, both zeros, all
// signs and mantissas of the exponents 0 to 239.
func TestEveryPattern(t *testing.T) {
	var weights []uint16
	for w := range 1 << 16 {
		if Exponent(uint16(w)) <= MaxSymbol {
			weights = append(weights, uint16(w))
		}
		if got := Join(Exponent(uint16(w)), SignMantissa(uint16(w))); got != uint16(w) {
			t.Fatalf("%04x comes back as %04x", w, got)
		}
	}
	var h Histogram
	h.Count(weights)
	b, err := Canonical(&h, 8)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Encode(b, weights)
	if err != nil {
		t.Fatal(err)
	}
	checkRoundTrip(t, s, weights)
}

func TestEncodeRefusesSymbolWithoutCode(t *testing.T) {
	b, err := Canonical(&Histogram{120: 5, 121: 3}, 32)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Encode(b, []uint16{Join(120, 0), Join(122, 0)})
	if want := "codebook: weight 1 has exponent 122, which has no code"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
}

func TestDecodeErrors(t *testing.T) {
	b, err := Canonical(trainedHistogram(), 11)
	if err != nil {
		t.Fatal(err)
	}
	weights := draw(rand.New(rand.NewPCG(7, 8)), b, 30000)
	tests := []struct {
		name    string
		corrupt func(s *Stream)
		want    StreamError // Element and Bit are not compared
	}{
		{"end-of-stream code at the start", func(s *Stream) { s.Encoded[0], s.Encoded[1] = 0xff, 0xff }, StreamError{Chunk: 0, Cause: NoSuchCode}},
		{"end-of-stream code in the second chunk", func(s *Stream) { s.Encoded[5000], s.Encoded[5001], s.Encoded[5002] = 0xff, 0xff, 0xff }, StreamError{Chunk: 1, Cause: NoSuchCode}},
		{"stream cut short", func(s *Stream) { s.Encoded = s.Encoded[:len(s.Encoded)-9] }, StreamError{Chunk: 2, Cause: StreamEnds}},
		{"a byte too many", func(s *Stream) { s.Encoded = append(slices.Clone(s.Encoded), 0) }, StreamError{Chunk: 2, Cause: CountMismatch}},
		{"gap of the second chunk", func(s *Stream) { s.Gaps[gapBytesPerChunk] ^= 0x08 }, StreamError{Chunk: 0, Cause: CountMismatch}},
		{"position of the second chunk", func(s *Stream) { s.OutputPositions[4]-- }, StreamError{Chunk: 0, Cause: CountMismatch}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := Encode(b, weights)
			if err != nil {
				t.Fatal(err)
			}
			test.corrupt(s)
			err = Decode(make([]uint16, len(weights)), s)
			var got *StreamError
			if !errors.As(err, &got) || got.Chunk != test.want.Chunk || got.Cause != test.want.Cause {
				t.Errorf("error %v, want chunk %d: %v", err, test.want.Chunk, test.want.Cause)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	b, err := Canonical(trainedHistogram(), 11)
	if err != nil {
		t.Fatal(err)
	}
	weights := draw(rand.New(rand.NewPCG(9, 10)), b, 30000)
	tests := []struct {
		name    string
		corrupt func(s *Stream)
		want    string
	}{
		{"luts", func(s *Stream) { s.Luts = s.Luts[1:] }, fmt.Sprintf("luts has %d bytes", len(b.Luts())-1)},
		{"one row of luts", func(s *Stream) { s.Luts = s.Luts[:rowBytes] }, "luts has 256 bytes, want 2 to 18 rows of 256"},
		{"too many rows of luts", func(s *Stream) { s.Luts = make([]byte, 19*rowBytes) }, "luts has 4864 bytes"},
		{"gaps", func(s *Stream) { s.Gaps = s.Gaps[:100] }, "gaps has 100 bytes, want 960 for 3 chunks"},
		{"first gap", func(s *Stream) { s.Gaps[0] |= 0x18 }, "start at bit 3, want 0"},
		{"positions", func(s *Stream) { s.OutputPositions = s.OutputPositions[:8] }, "output_positions has 8 bytes, want 16"},
		{"first position", func(s *Stream) { s.OutputPositions[0] = 1 }, "starts with 1"},
		{"positions fall", func(s *Stream) { s.OutputPositions[8], s.OutputPositions[9] = 0, 0 }, "chunk 1 goes from"},
		{"too many in a chunk", func(s *Stream) { s.OutputPositions[6] = 1 }, "in 32768 bits"},
		{"elements", func(s *Stream) { s.SignMantissa = s.SignMantissa[1:] }, "ends with 30000, want 29999"},
		{"no stream", func(s *Stream) { s.Encoded = nil }, "0 bytes for 30000 elements"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := Encode(b, weights)
			if err != nil {
				t.Fatal(err)
			}
			test.corrupt(s)
			if err := s.Validate(); err == nil || !containsAll(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

// TestValidateRows validates luts with the fewest and the most rows that there can be.
func TestValidateRows(t *testing.T) {
	for _, rows := range []int{2, MaxTables + 1} {
		if err := (&Stream{Luts: make([]byte, rows*rowBytes)}).Validate(); err != nil {
			t.Errorf("%d rows: %v", rows, err)
		}
	}
}

// TestLimits checks that the largest unit is one that the published kernel can address, and that larger units are
// errors. The memory of these units is never touched.
func TestLimits(t *testing.T) {
	const addressed = (MaxStreamBytes+ChunkBytes-1)/ChunkBytes*ChunkBytes + 11
	if addressed > math.MaxInt32 || addressed+2*ChunkBytes <= math.MaxInt32 || MaxElements != math.MaxInt32 {
		t.Errorf("%d bytes of a stream of %d, %d elements", addressed, MaxStreamBytes, MaxElements)
	}
	if strconv.IntSize < 64 {
		t.Skip("no larger units in 32 bits")
	}
	memory := make([]byte, uint64(MaxElements)+1)
	for _, test := range []struct {
		elements, bytes uint64
		want            string
	}{
		{MaxElements + 1, 1, "sign_mantissa has 2147483648 elements, a unit has at most 2147483647"},
		{MaxElements, MaxStreamBytes + 1, "encoded_exponent has 2147475457 bytes, a unit has at most 2147475456"},
		{MaxElements, MaxStreamBytes, "gaps has 0 bytes, want 167771520 for 524286 chunks"},
	} {
		s := &Stream{Luts: make([]byte, 2*rowBytes), SignMantissa: memory[:test.elements], Encoded: memory[:test.bytes]}
		if err := s.Validate(); err == nil || err.Error() != test.want {
			t.Errorf("error %v, want %s", err, test.want)
		}
	}
}

// TestValidateOneChunk checks the sizes that the smallest index may have.
func TestValidateOneChunk(t *testing.T) {
	stream := func(elements, bytes int, positions ...uint32) *Stream {
		s := &Stream{
			Luts: make([]byte, 2*rowBytes), Encoded: make([]byte, bytes), SignMantissa: make([]byte, elements),
			Gaps: make([]byte, gapBytesPerChunk*int(ceilDiv(uint64(bytes), ChunkBytes))),
		}
		for _, p := range positions {
			s.OutputPositions = binary.LittleEndian.AppendUint32(s.OutputPositions, p)
		}
		return s
	}
	tests := []struct {
		name string
		s    *Stream
		want string
	}{
		{"one chunk", stream(1, 1, 0, 1), ""},
		{"without its end", stream(1, 1, 0), "output_positions has 4 bytes, want 8 for 1 chunks"},
		{"two chunks without the end", stream(9, ChunkBytes+1, 0, 9), ""},
		{"an element a bit", stream(ChunkBits, ChunkBytes, 0, ChunkBits), ""},
		{"an element more", stream(ChunkBits+1, ChunkBytes, 0, ChunkBits+1), "output_positions: chunk 0 has 32769 elements in 32768 bits"},
		{"an element more in the last chunk", stream(ChunkBits+2, ChunkBytes+1, 0, 1, ChunkBits+2),
			"output_positions: chunk 1 has 32769 elements in 32768 bits"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := test.s.Validate(); test.want == "" && err != nil || test.want != "" && (err == nil || err.Error() != test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

// TestDecodeRefuses gives Decode streams that cannot be decoded at all.
func TestDecodeRefuses(t *testing.T) {
	b, err := Canonical(trainedHistogram(), 11)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Encode(b, draw(rand.New(rand.NewPCG(13, 14)), b, 300))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 299, 301} {
		if err := Decode(make([]uint16, n), s); err == nil || err.Error() != fmt.Sprintf("codebook: 300 elements into a buffer of %d", n) {
			t.Errorf("buffer of %d: error %v", n, err)
		}
		if err := DecodeChunk(b, s, 0, make([]uint16, n)); err == nil || err.Error() != fmt.Sprintf("codebook: 300 elements of chunk 0 into a buffer of %d", n) {
			t.Errorf("buffer of %d for a chunk: error %v", n, err)
		}
	}
	invalid, broken := *s, *s
	invalid.Gaps = nil
	if err := Decode(make([]uint16, 300), &invalid); err == nil || err.Error() != "codebook: gaps has 0 bytes, want 320 for 1 chunks" {
		t.Errorf("invalid: %v", err)
	}
	broken.Luts = make([]byte, len(s.Luts))
	broken.Luts[len(s.Luts)-1-16-1] = 1 // a length for symbol 238
	if err := Decode(make([]uint16, 300), &broken); err == nil || !containsAll(err.Error(), "codebook: luts: symbol 238") {
		t.Errorf("broken luts: %v", err)
	}
	for name, s := range map[string]*Stream{"invalid": &invalid, "broken": &broken} {
		if err := Audit(s); err == nil {
			t.Errorf("%s: no error of Audit", name)
		}
	}
}

func TestAuditFindsAWrongGap(t *testing.T) {
	b, err := Canonical(trainedHistogram(), 11)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Encode(b, draw(rand.New(rand.NewPCG(11, 12)), b, 3000))
	if err != nil {
		t.Fatal(err)
	}
	s.Gaps[20] ^= 1
	if err := Audit(s); err == nil || !containsAll(err.Error(), "window 33:") {
		t.Errorf("error %v, want one that names window 33", err)
	}
}
