package model

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zeebo/xxh3"
)

// TestTensorSum holds the sum to its definition for sizes around whole blocks, in any order of blocks.
func TestTensorSum(t *testing.T) {
	for _, size := range []int{0, 1, 2, SumBlock - 1, SumBlock, SumBlock + 1, 3*SumBlock + 7} {
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(i * 7 >> 3)
		}
		var hashes []byte
		for at := 0; at < size; at += SumBlock {
			h := xxh3.Hash128(data[at:min(size, at+SumBlock)]).Bytes()
			hashes = append(hashes, h[:]...)
		}
		want := TensorSum(xxh3.Hash128(hashes).Bytes())
		s := NewTensorSummer(uint64(size))
		for i := range s.Blocks() {
			k := s.Blocks() - 1 - i
			s.Add(k, data[k*SumBlock:][:s.BlockSize(k)])
		}
		if have := s.Sum(); have != want || SumTensor(data) != want {
			t.Errorf("%d bytes: %v and %v, want %v", size, have, SumTensor(data), want)
		}
	}
	// As Python has it: xxh3_128_digest(xxh3_128_digest(b"abc")).
	if have, want := SumTensor([]byte("abc")).String(), "f758394eebabb2bb51ee911f78f31836"; have != want {
		t.Errorf("have %s, want %s", have, want)
	}
	var s TensorSum
	wantError(t, s.UnmarshalText([]byte(strings.Repeat("A", 32))), "is not 32 lower-case hexadecimal digits")
}

// summedModel is how the sum of the model in summedFolder begins.
const summedModel = "5e"

// summedFolder writes a checkpoint of two files with sums in their metadata.
func summedFolder(t *testing.T) string {
	files := map[string][]Entry{
		"block_0.safetensors": unitBlock(t, "block.0"),
		"model.safetensors":   {BytesEntry("norm.weight", BF16, []uint64{2}, []byte{1, 2, 3, 4})},
	}
	weights := map[string]TensorSum{"block.0.self_attn.q_proj.weight": {1}, "block.0.mlp.up_proj.weight": {2}}
	all := maps.Clone(weights)
	all["norm.weight"] = SumTensor(files["model.safetensors"][0].Data)
	dir := df11Folder(t, blockConfig, nil)
	for name, entries := range files {
		sums := &Sums{Model: ModelSum(all), Files: 2, Tensors: map[string]TensorSum{}}
		for _, e := range entries {
			sums.Tensors[e.Name] = SumTensor(e.Data)
		}
		if len(entries) > 1 {
			for name, sum := range weights {
				sums.Tensors[name] = sum
			}
		}
		if err := WriteFile(filepath.Join(dir, name), entries, sums.Metadata(map[string]string{"format": "pt"})); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestSumsReadBack(t *testing.T) {
	d, err := OpenContainer(summedFolder(t))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	u := d.Unit("block.0")
	if u.Tensors[0].Sum == nil || *u.Tensors[0].Sum != (TensorSum{1}) || *u.Tensors[1].Sum != (TensorSum{2}) {
		t.Errorf("sums of weights: %v, %v", u.Tensors[0].Sum, u.Tensors[1].Sum)
	}
	for _, f := range d.Files {
		for _, x := range f.Tensors {
			if d.Sums[x.Name] != SumTensor(x.Bytes()) {
				t.Errorf("%s: %v", x.Name, d.Sums[x.Name])
			}
		}
		if diff := cmp.Diff(map[string]string{"format": "pt"}, PlainMetadata(f.Metadata)); diff != "" {
			t.Error(diff)
		}
	}
}

// TestSumsFlipped flips every bit of a file: opening it fails, or some tensor is not what its sum says.
func TestSumsFlipped(t *testing.T) {
	path := filepath.Join(summedFolder(t), "block_0.safetensors")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	noticed := func() bool {
		f, err := newFile(path, content)
		if err != nil || f.Sums == nil {
			return err != nil
		}
		for _, x := range f.Tensors {
			if SumTensor(x.Bytes()) != f.Sums.Tensors[x.Name] {
				return true
			}
		}
		return false
	}
	if noticed() {
		t.Fatal("damage where there is none")
	}
	for i := range content {
		for bit := range 8 {
			content[i] ^= 1 << bit
			if !noticed() {
				t.Errorf("bit %d of byte %d of %d goes unnoticed", bit, i, len(content))
			}
			content[i] ^= 1 << bit
		}
	}
}

func TestSumsRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(dir string) error
		want   string
	}{
		{"files of two models", func(dir string) error {
			return change(filepath.Join(dir, "model.safetensors"), `"bespoke.model":"`+summedModel, `"bespoke.model":"00`)
		}, "belong to two different models"},
		{"one without sums", func(dir string) error {
			path := filepath.Join(dir, "model.safetensors")
			if err := os.Remove(path); err != nil {
				return err
			}
			return WriteFile(path, []Entry{BytesEntry("norm.weight", BF16, []uint64{1}, []byte{1, 2})}, nil)
		}, "only one of the two has sums"},
		{"a stored tensor without sum", func(dir string) error {
			return change(filepath.Join(dir, "block_0.safetensors"), `bespoke.xxh128.block.0.luts`, `bespoke.xxh128.block.0.lots`)
		}, `tensor "block.0.luts" has no sum`},
		{"a weight without sum", func(dir string) error {
			return change(filepath.Join(dir, "block_0.safetensors"), `bespoke.xxh128.block.0.mlp.up_proj.weight`, `bespoke.xxh128.block.0.mlp.op_proj.weight`)
		}, `tensor "block.0.mlp.up_proj.weight" has no sum`},
		{"an unknown entry", func(dir string) error {
			return change(filepath.Join(dir, "block_0.safetensors"), `bespoke.files`, `bespoke.filet`)
		}, `"bespoke.filet": unknown entry`},
		{"a malformed sum", func(dir string) error {
			return change(filepath.Join(dir, "block_0.safetensors"), `"bespoke.model":"`+summedModel, `"bespoke.model":"0G`)
		}, "is not 32 lower-case hexadecimal digits"},
		{"the sums of another model", func(dir string) error {
			return change(filepath.Join(dir, "block_0.safetensors"), `up_proj.weight":"02`, `up_proj.weight":"03`)
		}, "the tensors of the checkpoint and their sums are not those of its model"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := summedFolder(t)
			if err := tt.change(dir); err != nil {
				t.Fatal(err)
			}
			_, err := OpenContainer(dir)
			wantError(t, err, tt.want)
		})
	}
}

// change replaces a text in the header of a file by one as long, and seals the header anew.
func change(path, old, new string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Contains(content, []byte(old)) || len(old) != len(new) {
		return fmt.Errorf("%q is not in %s", old, path)
	}
	content = bytes.ReplaceAll(content, []byte(old), []byte(new))
	text := content[lengthBytes : lengthBytes+int(content[0])+int(content[1])<<8]
	copy(text[sealAt(text):], TensorSum{}.String())
	seal(text)
	return os.WriteFile(path, content, 0o666)
}
