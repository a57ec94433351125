package model

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/zeebo/xxh3"

	"github.com/seed54244801/bespoke/internal/cost"
)

// FuzzParseHeader holds what the parser accepts to the rules of the format, and Restore to the text.
func FuzzParseHeader(f *testing.F) {
	for _, text := range []string{
		`{}`, `{"__metadata__":{"format":"pt"}}`,
		`{"a":{"dtype":"BF16","shape":[2,1],"data_offsets":[0,4]},"b":{"dtype":"F4","shape":[2],"data_offsets":[4,5]}}  `,
		`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,18446744073709551615]}}`,
		"{\"\xff\":{\"x\":[[[]]]}}",
	} {
		f.Add([]byte(text), uint64(5))
	}
	f.Fuzz(func(t *testing.T, text []byte, size uint64) {
		cost.Bounded(t, len(text), 1<<20, 1000, func() {
			h, err := ParseHeader(text, size)
			if err != nil {
				return
			}
			at := uint64(0)
			names := map[string]bool{}
			for _, x := range h.Tensors {
				if x.Begin != at || x.End < at || names[x.Name] || x.Elements()*x.DType.Bits() != 8*x.Size() || h.Tensor(x.Name) != x {
					t.Fatalf("accepted %v at %d..%d after %d", x, x.Begin, x.End, at)
				}
				at, names[x.Name] = x.End, true
			}
			if at != size {
				t.Fatalf("%d of %d bytes covered", at, size)
			}
			if size > 1<<16 {
				return
			}
			again, err := newFile("x", append(FileStart(text), make([]byte, size)...))
			if err != nil || !bytes.Equal(again.HeaderText(), text) {
				t.Fatalf("a file of this header and %d bytes: %v", size, err)
			}
		})
	})
}

// FuzzOpenContainer holds a whole file without and with patterns to the promises of an open checkpoint.
func FuzzOpenContainer(f *testing.F) {
	var seed bytes.Buffer
	if err := Write(&seed, unitBlock(f, "block.0"), nil); err != nil {
		f.Fatal(err)
	}
	f.Add(seed.Bytes())
	f.Add(safetensorsBytes(`{"a.luts":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1))
	f.Fuzz(func(t *testing.T, content []byte) {
		cost.Bounded(t, len(content), 1<<20, 1000, func() {
			for _, patterns := range []Patterns{nil, {{`block\.\d+`, []string{"self_attn.q_proj", "mlp.up_proj"}}}} {
				file, err := newFile("x", content)
				if err != nil {
					return
				}
				d := &Container{Path: "x", Files: []*File{file}}
				if d.assemble(patterns) != nil {
					continue
				}
				for _, u := range d.Units {
					at := 0
					for _, x := range u.Tensors {
						if x.Offset != at || x.Elements < 0 {
							t.Fatalf("unit %s: tensor %s at %d+%d after %d", u.Name, x.Name, x.Offset, x.Elements, at)
						}
						at += x.Elements
					}
					if at != u.Stream.Elements() || u.Stream.Validate() != nil {
						t.Fatalf("unit %s: %d of %d elements in tensors", u.Name, at, u.Stream.Elements())
					}
				}
			}
		})
	})
}

// FuzzSidecar holds an accepted sidecar to its paths and checks that it is written as it was read.
func FuzzSidecar(f *testing.F) {
	text, err := exampleSidecar(f).Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"version":1,"files":[{"path":"../x","kind":"copied"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		cost.Bounded(t, len(text), 1<<20, 1000, func() {
			if i := sumPlace(text); i >= 0 { // no mutation would have the right sum
				copy(text[i:], TensorSum{}.String())
				copy(text[i:], TensorSum(xxh3.Hash128(text).Bytes()).String())
			}
			s, err := ParseSidecar(text)
			if err != nil {
				return
			}
			for i := range s.Files {
				if CheckStoredPath(s.Files[i].Path) != nil || CheckPath(s.Files[i].StoredPath()) != nil {
					t.Fatalf("accepted path %q, stored at %q", s.Files[i].Path, s.Files[i].StoredPath())
				}
			}
			written, err := s.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			again, err := ParseSidecar(written)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(s, again, cmpopts.IgnoreUnexported(SidecarFile{})); diff != "" {
				t.Fatal(diff)
			}
		})
	})
}

// FuzzIndex holds an accepted index to files inside the folder, and its lists to each other.
func FuzzIndex(f *testing.F) {
	f.Add([]byte(twoShards))
	f.Add([]byte(`{"weight_map":{"a":"../x.safetensors"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		cost.Bounded(t, len(text), 1<<20, 1000, func() {
			x, err := ParseWeightMap(text)
			if err != nil {
				return
			}
			known := map[string]bool{}
			for _, file := range x.Files {
				if CheckPath(file) != nil || known[file] {
					t.Fatalf("accepted file %q", file)
				}
				known[file] = true
			}
			for tensor, file := range x.File {
				if !known[file] {
					t.Fatalf("file %q of tensor %q is not listed", file, tensor)
				}
			}
		})
	})
}

// FuzzPatterns checks that accepted patterns are written as they were read and match without
// trouble; configurations are parsed on the way.
func FuzzPatterns(f *testing.F) {
	f.Add([]byte(`{"model\\.layers\\.\\d+":["self_attn.q_proj","mlp.up_proj"],"lm_head":[]}`), "model.layers.0")
	f.Add([]byte(`{"(a|b)*":["."]}`), "abab")
	f.Fuzz(func(t *testing.T, text []byte, module string) {
		cost.Bounded(t, len(text)+len(module), 16<<20, 2000, func() {
			p, err := ParsePatterns(text)
			if err != nil {
				return
			}
			written, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			again, err := ParsePatterns(written)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(p, again); diff != "" {
				t.Fatal(diff)
			}
			m, err := p.compile()
			if err != nil {
				t.Fatal(err)
			}
			m.all(module)
			config, err := NewDF11Config(p).InsertInto(nil)
			if err != nil {
				t.Fatal(err)
			}
			parsed, err := ParseConfig(config)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(p, parsed.DF11.Patterns); diff != "" {
				t.Fatal(diff)
			}
		})
	})
}

// FuzzFindMissing looks for what is missing among any names: each that it lists is none of them, and once in the
// list.
func FuzzFindMissing(f *testing.F) {
	f.Add("model.layers.0.mlp.up_proj model.layers.1.mlp.down_proj", "model.norm model.layers.1.norm", `{"num_hidden_layers": 3,
		"architectures": ["LlamaForCausalLM"], "dfloat11_config": {"version": "0.5.0", "threads_per_block": [512], "bytes_per_thread": 8,
		"pattern_dict": {"model\\.layers\\.\\d+": ["mlp.up_proj", "mlp.down_proj"], "a|b\\.c|lm_head": []}}}`)
	f.Add("a.63.b c.16.d e.0.f", "", `{"n_layer": 64}`)
	f.Fuzz(func(t *testing.T, units, rest, config string) {
		cost.Bounded(t, len(units)+len(rest)+len(config), 96<<20, 4000, func() {
			d := &Container{Path: "x", Dir: "x", Files: []*File{{Header: &Header{}, path: "x"}}, byName: map[string]*Unit{}}
			var patterns Patterns
			if c, err := ParseConfig([]byte(config)); err == nil {
				if d.Config = c; c.DF11 != nil {
					patterns = c.DF11.Patterns
				}
			}
			var err error
			if d.patterns, err = patterns.compile(); err != nil {
				t.Fatal(err)
			}
			there := map[string]bool{}
			for name := range strings.FieldsSeq(units) {
				u := &Unit{Name: name, Tensors: []UnitTensor{{Name: name + weightSuffix}}}
				d.Units, d.byName[name], there[name+weightSuffix] = append(d.Units, u), u, true
			}
			for name := range strings.FieldsSeq(rest) {
				d.Rest, there[name+weightSuffix] = append(d.Rest, &Tensor{Name: name + weightSuffix}), true
			}
			listed := map[string]bool{}
			for _, m := range d.FindMissing() {
				if there[m.Name] || listed[m.Name] && m.Name != RestFileName || m.Evidence == "" {
					t.Fatalf("%q is missing, because of %q", m.Name, m.Evidence)
				}
				listed[m.Name] = true
			}
		})
	})
}

// FuzzShapes takes shapes from any configuration: they have as many elements as the tensor.
func FuzzShapes(f *testing.F) {
	f.Add("model.layers.0.self_attn.qkv_proj.weight", `{"hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 18446744073709551615}`, uint64(8192))
	f.Add("lm_head.weight", `{"text_config": {"hidden_size": 8, "vocab_size": 4}, "hidden_size": null}`, uint64(32))
	f.Fuzz(func(t *testing.T, tensor, config string, count uint64) {
		cost.Bounded(t, len(tensor)+len(config), 1<<20, 1000, func() {
			c, err := ParseConfig([]byte(config))
			if err != nil {
				return
			}
			shape := shapeOf(c, tensor, count)
			if n, err := elements(shape); shape != nil && (err != nil || n != count) {
				t.Fatalf("%s of %d elements: shape %v", tensor, count, shape)
			}
		})
	})
}

// FuzzPlanUnits plans tensors of any names: each must end up in one unit or stay raw, and a
// pattern_dict, where there can be one, must make the published loader find all weights.
func FuzzPlanUnits(f *testing.F) {
	f.Add("a.0.x.weight b.weight a.0.weight a.1.y.3.z.weight a.0.x.weight.weight", "")
	f.Add("model.layers.0.self_attn.q_proj.weight model.layers.11.mlp.up_proj.weight lm_head.weight", "LlamaForCausalLM")
	f.Fuzz(func(t *testing.T, names, class string) {
		cost.Bounded(t, len(names)+len(class), 8<<20, 20_000, func() {
			c := &Checkpoint{Config: &Config{Architectures: []string{class}}}
			seen := map[string]bool{}
			for name := range strings.FieldsSeq(names) {
				if !seen[name] {
					seen[name] = true
					c.Tensors = append(c.Tensors, &Tensor{Name: name, DType: BF16, Shape: []uint64{64, 64}})
				}
			}
			p, err := NewPartition(c, PartitionOptions{})
			if err != nil {
				return
			}
			found := map[string]int{}
			units := map[string]bool{}
			for _, u := range p.Units {
				if units[u.Name] || u.Name == "" {
					t.Fatalf("unit %q twice or without name", u.Name)
				}
				units[u.Name] = true
				for _, x := range u.Tensors {
					found[x.Name]++
				}
			}
			for _, r := range p.Raw {
				found[r.Tensor.Name]++
			}
			for _, x := range c.Tensors {
				if found[x.Name] != 1 {
					t.Fatalf("tensor %q is in the partition %d times", x.Name, found[x.Name])
				}
			}
			dict, err := p.PatternDict()
			if err != nil {
				return
			}
			if u := p.misread(dict); u != nil {
				t.Fatalf("unit %q is misread", u.Name)
			}
		})
	})
}
