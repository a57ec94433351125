package model

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/zeebo/xxh3"
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
}

// FuzzOpenDF11 holds a whole file without and with patterns to the promises of an open checkpoint.
func FuzzOpenDF11(f *testing.F) {
	var seed bytes.Buffer
	if err := Write(&seed, unitBlock(f, "block.0"), nil); err != nil {
		f.Fatal(err)
	}
	f.Add(seed.Bytes())
	f.Add(safetensorsBytes(`{"a.luts":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1))
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, patterns := range []Patterns{nil, {{`block\.\d+`, []string{"self_attn.q_proj", "mlp.up_proj"}}}} {
			file, err := newFile("x", content)
			if err != nil {
				return
			}
			d := &DF11{Path: "x", Files: []*File{file}}
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
}

// FuzzIndex holds an accepted index to files inside the folder, and its lists to each other.
func FuzzIndex(f *testing.F) {
	f.Add([]byte(twoShards))
	f.Add([]byte(`{"weight_map":{"a":"../x.safetensors"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		x, err := ParseIndex(text)
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
}

// FuzzPatterns checks that accepted patterns are written as they were read and match without
// trouble; configurations are parsed on the way.
func FuzzPatterns(f *testing.F) {
	f.Add([]byte(`{"model\\.layers\\.\\d+":["self_attn.q_proj","mlp.up_proj"],"lm_head":[]}`), "model.layers.0")
	f.Add([]byte(`{"(a|b)*":["."]}`), "abab")
	f.Fuzz(func(t *testing.T, text []byte, module string) {
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
}

// FuzzPlanUnits plans tensors of any names: each must end up in one unit or stay raw, and a
// pattern_dict, where there can be one, must make the published loader find all weights.
func FuzzPlanUnits(f *testing.F) {
	f.Add("a.0.x.weight b.weight a.0.weight a.1.y.3.z.weight a.0.x.weight.weight", "")
	f.Add("model.layers.0.self_attn.q_proj.weight model.layers.11.mlp.up_proj.weight lm_head.weight", "LlamaForCausalLM")
	f.Fuzz(func(t *testing.T, names, class string) {
		c := &Checkpoint{Config: &Config{Architectures: []string{class}}}
		seen := map[string]bool{}
		for name := range strings.FieldsSeq(names) {
			if !seen[name] {
				seen[name] = true
				c.Tensors = append(c.Tensors, &Tensor{Name: name, DType: BF16, Shape: []uint64{64, 64}})
			}
		}
		p, err := PlanUnits(c, PlanOptions{})
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
				t.Fatalf("tensor %q is in the plan %d times", x.Name, found[x.Name])
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
}
