package model

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed54244801/bespoke/codebook"
)

// TestOpenContainerReference decodes a published checkpoint and compares it with the original.
func TestOpenContainerReference(t *testing.T) {
	c, err := Open(tinyBF16)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	d, err := OpenContainer(tinyDF11)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if d.Config.DF11.Version != "0.5.0" || d.Sidecar != nil || d.Unit("none") != nil {
		t.Errorf("version %s, sidecar %v", d.Config.DF11.Version, d.Sidecar)
	}
	found := map[string]bool{}
	for _, u := range d.Units {
		if !u.Named || d.Unit(u.Name) != u || filepath.Base(u.File) != UnitFileNames([]string{u.Name})[0] {
			t.Errorf("unit %s: named %v, in %s", u.Name, u.Named, u.File)
		}
		weights := make([]uint16, u.Stream.Elements())
		if err := codebook.Decode(weights, &u.Stream); err != nil {
			t.Fatalf("unit %s: %v", u.Name, err)
		}
		for _, x := range u.Tensors {
			var have []byte
			for _, w := range weights[x.Offset : x.Offset+x.Elements] {
				have = binary.LittleEndian.AppendUint16(have, w)
			}
			if original := c.Tensor(x.Name); original == nil || !bytes.Equal(have, original.Bytes()) {
				t.Errorf("tensor %s differs from the original", x.Name)
			}
			found[x.Name] = true
		}
	}
	for _, x := range d.Rest {
		if original := c.Tensor(x.Name); original == nil || !bytes.Equal(x.Bytes(), original.Bytes()) {
			t.Errorf("tensor %s differs from the original", x.Name)
		}
		found[x.Name] = true
	}
	if len(found) != len(c.Tensors) {
		t.Errorf("%d tensors, the original has %d", len(found), len(c.Tensors))
	}
}

// TestWriteDF11Reference divides, encodes and writes the original, and compares every file with that of
// the published encoder.
func TestWriteDF11Reference(t *testing.T) {
	c, err := Open(tinyBF16)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p, err := NewPartition(c, PartitionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var modules []string
	for _, u := range p.Units {
		modules = append(modules, u.Name)
	}
	compare := func(name string, entries []Entry, metadata map[string]string) {
		t.Helper()
		var have bytes.Buffer
		if err := Write(&have, entries, metadata); err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join(tinyDF11, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(want, have.Bytes()) {
			t.Errorf("%s differs from the published file", name)
		}
	}
	for i, name := range UnitFileNames(modules) {
		u := p.Units[i]
		var weights []uint16
		for _, x := range u.Tensors {
			raw := x.Bytes()
			for k := 0; k < len(raw); k += 2 {
				weights = append(weights, binary.LittleEndian.Uint16(raw[k:]))
			}
		}
		var h codebook.Histogram
		h.Count(weights)
		book, err := codebook.Published(&h)
		if err != nil {
			t.Fatal(err)
		}
		s, err := codebook.Encode(book, weights)
		if err != nil {
			t.Fatal(err)
		}
		compare(name, UnitEntries(u.Name, s, u.SplitPositions()), nil)
	}
	var rest []Entry
	for _, r := range p.Raw {
		rest = append(rest, EntryOf(r.Tensor))
	}
	SortEntries(rest)
	compare(RestFileName, rest, map[string]string{"format": "pt"})
	dict, err := p.PatternDict()
	if err != nil {
		t.Fatal(err)
	}
	config, err := NewDF11Config(dict).InsertInto(c.Config.Raw)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(tinyDF11, ConfigName))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(config)); diff != "" {
		t.Error(diff)
	}
}

// unitBlock is a DF11 unit of two small weights, as entries that a test can spoil.
func unitBlock(t testing.TB, module string) []Entry {
	t.Helper()
	return indexedBlock(t, module, codebook.IndexGaps)
}

// indexedBlock is unitBlock with a choice of the index.
func indexedBlock(t testing.TB, module string, index codebook.Index) []Entry {
	t.Helper()
	weights := make([]uint16, 12)
	for i := range weights {
		weights[i] = uint16(0x3f80 + i<<6)
	}
	var h codebook.Histogram
	h.Count(weights)
	book, err := codebook.Canonical(&h, codebook.MaxLength)
	if err != nil {
		t.Fatal(err)
	}
	s, err := codebook.EncodeIndexed(book, weights, index)
	if err != nil {
		t.Fatal(err)
	}
	return UnitEntries(module, s, []uint64{4})
}

const blockConfig = `{"hidden_size":2,"intermediate_size":4,"dfloat11_config":{"version":"0.5.0","threads_per_block":[512],"bytes_per_thread":8,"pattern_dict":{"block\\.\\d+":["self_attn.q_proj","mlp.up_proj"],"bare":[]}},"num_attention_heads":1}`

// df11Folder writes a DF11 folder of these files.
func df11Folder(t testing.TB, config string, files map[string][]Entry) string {
	t.Helper()
	dir := t.TempDir()
	if config != "" {
		if err := os.WriteFile(filepath.Join(dir, ConfigName), []byte(config), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for name, entries := range files {
		if err := WriteFile(filepath.Join(dir, name), entries, nil); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// describeDF11 writes units and other tensors as text.
func describeDF11(d *Container) string {
	var b strings.Builder
	for _, u := range d.Units {
		fmt.Fprintf(&b, "%s named=%v:", u.Name, u.Named)
		for _, x := range u.Tensors {
			fmt.Fprintf(&b, " %s@%d+%d%v", x.Name, x.Offset, x.Elements, x.Shape)
		}
		b.WriteString("; ")
	}
	for _, x := range d.Rest {
		fmt.Fprintf(&b, "rest %s; ", x.Name)
	}
	return b.String()
}

func TestOpenContainerLayouts(t *testing.T) {
	rest := BytesEntry("block.0.norm.weight", BF16, []uint64{1}, []byte{1, 2})
	extra := BytesEntry("block.0.extra", U8, []uint64{1}, []byte{1})
	plain := BytesEntry("other.split_positions", I64, []uint64{0}, nil)
	const named = "block.0 named=true: block.0.self_attn.q_proj.weight@0+4[2 2] block.0.mlp.up_proj.weight@4+8[4 2]; "
	bare := unitBlock(t, "bare")
	bare[partSplitPositions] = BytesEntry("bare.split_positions", I64, []uint64{0}, nil)
	tests := []struct {
		name, config string
		files        map[string][]Entry
		open         string
		patterns     Patterns
		want         string
	}{
		{name: "a file a unit", config: blockConfig, files: map[string][]Entry{"block_0.safetensors": unitBlock(t, "block.0"), "model.safetensors": {rest}},
			want: named + "rest block.0.norm.weight; "},
		{name: "all in one", config: blockConfig, files: map[string][]Entry{"model.safetensors": append(unitBlock(t, "block.0"), rest, extra, plain)},
			want: named + "rest block.0.norm.weight; rest block.0.extra; rest other.split_positions; "},
		{name: "one file of a folder", config: blockConfig, files: map[string][]Entry{"a.safetensors": unitBlock(t, "block.0"), "b.safetensors": unitBlock(t, "block.0")},
			open: "b.safetensors", want: named},
		{name: "natural order", config: blockConfig, files: map[string][]Entry{"model.safetensors": append(unitBlock(t, "block.10"), unitBlock(t, "block.9")...)},
			want: strings.ReplaceAll(named, "block.0", "block.9") + strings.ReplaceAll(named, "block.0", "block.10")},
		{name: "without configuration", files: map[string][]Entry{"model.safetensors": append(unitBlock(t, "block.0"), bare...)},
			want: "bare named=false: bare.weight@0+12[]; block.0 named=false: block.0[0]@0+4[] block.0[1]@4+8[]; "},
		{name: "patterns given", files: map[string][]Entry{"model.safetensors": unitBlock(t, "block.0")}, patterns: Patterns{{"block.0", []string{"x", "y"}}},
			want: "block.0 named=true: block.0.x.weight@0+4[] block.0.y.weight@4+8[]; "},
		{name: "bare", config: blockConfig, files: map[string][]Entry{"model.safetensors": bare}, want: "bare named=true: bare.weight@0+12[]; "},
		{name: "bare without split positions", config: blockConfig, files: map[string][]Entry{"model.safetensors": bare[:partSplitPositions]},
			want: "bare named=true: bare.weight@0+12[]; "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := OpenContainerPatterns(filepath.Join(df11Folder(t, tt.config, tt.files), tt.open), tt.patterns)
			if err != nil {
				t.Fatal(err)
			}
			if have := describeDF11(d); have != tt.want {
				t.Errorf("have %s\nwant %s", have, tt.want)
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOpenContainerHostile(t *testing.T) {
	const file = "model.safetensors"
	spoil := func(part int, change func(*Entry)) []Entry {
		entries := unitBlock(t, "block.0")
		change(&entries[part])
		return entries
	}
	splits := func(at ...int64) []Entry {
		return spoil(partSplitPositions, func(e *Entry) {
			var raw []byte
			for _, x := range at {
				raw = binary.LittleEndian.AppendUint64(raw, uint64(x))
			}
			*e = BytesEntry(e.Name, I64, []uint64{uint64(len(at))}, raw)
		})
	}
	cut := func(part int, n int) []Entry {
		return spoil(part, func(e *Entry) {
			var raw bytes.Buffer
			if err := e.Write(&raw); err != nil {
				t.Fatal(err)
			}
			*e = BytesEntry(e.Name, e.DType, []uint64{uint64(raw.Len() - n)}, raw.Bytes()[:raw.Len()-n])
		})
	}
	unit := func(name string) string { return file + `: unit "block.0": ` + name }
	tests := []struct {
		name, config string
		entries      []Entry
		want         string
	}{
		{"no units", blockConfig, nil, "no coded units"},
		{"tensor missing", blockConfig, slices.Delete(unitBlock(t, "block.0"), partGaps, partGaps+1), unit(`tensor "gaps" is missing`)},
		{"only luts", blockConfig, unitBlock(t, "block.0")[:1], unit(`tensor "encoded_exponent" is missing`)},
		{"dtype", blockConfig, spoil(partEncoded, func(e *Entry) { e.DType = I8 }), unit(`tensor "block.0.encoded_exponent" is I8 [`)},
		{"dimensions", blockConfig, spoil(partSignMantissa, func(e *Entry) { e.Shape = []uint64{3, 4} }), "is U8 [3 4], must be U8 with 1 dimension"},
		{"luts flat", blockConfig, spoil(partLuts, func(e *Entry) { e.Shape = []uint64{512} }), "is U8 [512], must be U8 with shape [*,256]"},
		{"luts too narrow", blockConfig, spoil(partLuts, func(e *Entry) { e.Shape = []uint64{4, 128} }), "must be U8 with shape [*,256]"},
		{"luts with one row", blockConfig, spoil(partLuts, func(e *Entry) {
			*e = Entry{e.Name, U8, []uint64{1, 256}, func(w io.Writer) error { _, err := w.Write(make([]byte, 256)); return err }, nil}
		}), unit("luts has 256 bytes")},
		{"luts without rows", blockConfig, spoil(partLuts, func(e *Entry) { *e = BytesEntry(e.Name, U8, []uint64{0, 256}, nil) }), unit("luts has 0 bytes")},
		{"split positions as U8", blockConfig, spoil(partSplitPositions, func(e *Entry) { e.DType = U8; e.Shape = []uint64{8} }), "must be I64"},
		{"gaps short", blockConfig, cut(partGaps, 1), unit("gaps has 319 bytes")},
		{"positions short", blockConfig, cut(partOutputPositions, 4), unit("output_positions has 4 bytes")},
		{"elements short", blockConfig, cut(partSignMantissa, 1), unit("output_positions")},
		{"stream empty", blockConfig, spoil(partEncoded, func(e *Entry) { *e = BytesEntry(e.Name, U8, []uint64{0}, nil) }), unit("encoded_exponent has 0 bytes for 12 elements")},
		{"split before the start", blockConfig, splits(-1), unit("split position 0 is -1, not in 0..12")},
		{"split behind the end", blockConfig, splits(13), unit("split position 0 is 13, not in 0..12")},
		{"split of 64 bits", blockConfig, splits(1<<63 - 1), "not in 0..12"},
		{"splits out of order", blockConfig, splits(5, 4), unit("split position 1 is 4, not in 5..12")},
		{"too many splits", blockConfig, splits(4, 5), unit(`2 split positions for 2 tensors of pattern "block\\.\\d+", must be 1`)},
		{"too few splits", blockConfig, splits(), "0 split positions for 2 tensors"},
		{"splits missing", blockConfig, unitBlock(t, "block.0")[:partSplitPositions], "0 split positions for 2 tensors"},
		{"no pattern", blockConfig, unitBlock(t, "other"), `unit "other": none of the 2 patterns in config.json matches`},
		{"pattern of a part", blockConfig, unitBlock(t, "x.block.0"), `unit "x.block.0": none of the 2 patterns`},
		{"two patterns", strings.Replace(blockConfig, `"bare"`, `".*"`, 1), unitBlock(t, "block.0"), "2 patterns match"},
		{"tensor uncoded too", blockConfig, append(unitBlock(t, "block.0"), BytesEntry("block.0.mlp.up_proj.weight", BF16, []uint64{1}, []byte{1, 2})), `tensor "block.0.mlp.up_proj.weight" is there uncoded too`},
		{"tensor of two units", strings.Replace(blockConfig, `"bare":[]`, `"block":["0.mlp.up_proj","x"]`, 1), append(unitBlock(t, "block.0"), unitBlock(t, "block")...), `belongs to unit "block" too`},
		{"other kernel", strings.Replace(blockConfig, "512", "256", 1), unitBlock(t, "block.0"), "only [512] and 8 are supported"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := OpenContainer(df11Folder(t, tt.config, map[string][]Entry{file: tt.entries}))
			wantError(t, err, tt.want)
		})
	}
	t.Run("same tensor in two files", func(t *testing.T) {
		block := unitBlock(t, "block.0")
		_, err := OpenContainer(df11Folder(t, blockConfig, map[string][]Entry{"a.safetensors": block, "b.safetensors": block}))
		wantError(t, err, `tensor "block.0.luts" is in `, "a.safetensors and in ", "b.safetensors")
	})
	t.Run("unit in two files", func(t *testing.T) {
		block := unitBlock(t, "block.0")
		_, err := OpenContainer(df11Folder(t, blockConfig, map[string][]Entry{"a.safetensors": block[:1], "b.safetensors": block[1:]}))
		wantError(t, err, `tensor "block.0.encoded_exponent" is in another file`)
	})
	t.Run("no such folder", func(t *testing.T) {
		_, err := OpenContainer(filepath.Join(t.TempDir(), "none"))
		wantError(t, err, "model: ", "no such file")
	})
}

func TestUnitFileNames(t *testing.T) {
	modules := []string{"model.layers.0", "lm_head", "a.b_c", "a_b.c", "model", "A_b_c", "../x/y", `c:\x`,
		"m" + strings.Repeat("é", 150) + ".0", "m" + strings.Repeat("é", 150) + ".1"}
	cut := "m" + strings.Repeat("é", 99)
	want := []string{
		"model_layers_0.safetensors", "lm_head.safetensors", "a_b_c.safetensors", "a_b_c-2.safetensors",
		"model-2.safetensors", "A_b_c-3.safetensors", "___x_y.safetensors", "c__x.safetensors",
		cut + ".safetensors", cut + "-2.safetensors",
	}
	if diff := cmp.Diff(want, UnitFileNames(modules)); diff != "" {
		t.Error(diff)
	}
}

// TestOpenContainerShortPositions covers a stream that ends on a byte boundary in a chunk where no code
// starts: the published encoder leaves out the output position of that chunk.
func TestOpenContainerShortPositions(t *testing.T) {
	var lengths [256]uint8
	lengths[100], lengths[101] = 1, 16
	book, err := codebook.NewCanonical(&lengths, 16)
	if err != nil {
		t.Fatal(err)
	}
	weights := make([]uint16, codebook.ChunkBits-8+1)
	for i := range weights {
		weights[i] = codebook.Join(100, uint8(i))
	}
	weights[len(weights)-1] = codebook.Join(101, 7)
	s, err := codebook.Encode(book, weights)
	if err != nil {
		t.Fatal(err)
	}
	if s.Chunks() != 2 || len(s.OutputPositions) != 4*3 {
		t.Fatalf("%d chunks, %d bytes of positions: the case is not met", s.Chunks(), len(s.OutputPositions))
	}
	s.OutputPositions = s.OutputPositions[:4*2]
	binary.LittleEndian.PutUint32(s.OutputPositions[4:], uint32(len(weights)))
	d, err := OpenContainer(df11Folder(t, blockConfig, map[string][]Entry{"bare.safetensors": UnitEntries("bare", s, nil)}))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	have := make([]uint16, len(weights))
	if err := codebook.Decode(have, &d.Units[0].Stream); err != nil || !slices.Equal(have, weights) {
		t.Errorf("decoded weights differ, error %v", err)
	}
}
