package checkpoint

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed54244801/bespoke/internal/cost"
	"github.com/seed54244801/bespoke/internal/jsonedit"
	"github.com/seed54244801/bespoke/model"
)

func float32s(values ...float32) (data []byte) {
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return data
}

func words(values ...uint16) (data []byte) {
	for _, v := range values {
		data = binary.LittleEndian.AppendUint16(data, v)
	}
	return data
}

// unconverted is a model with tensors of many dtypes; the one of converted is what becomes of it.
func unconverted() (before, after []tensor) {
	large := make([]float32, 3<<20/4+5) // more than one block
	rounded := make([]uint16, len(large))
	for i := range large {
		large[i] = float32(i%5000) * 0x1p-20
		if rounded[i] = rounded[i%5000]; i < 5000 {
			rounded[i] = nearest(float64(large[i]))
		}
	}
	return []tensor{
			{"half", model.F16, []uint64{3}, words(0x3C00, 0x3C01, 0x7C00)},
			{"single", model.F32, []uint64{1, 3}, float32s(1, 1+0x1p-20, float32(math.Inf(-1)))},
			{"large", model.F32, []uint64{uint64(len(large))}, float32s(large...)},
			{"double", model.F64, nil, binary.LittleEndian.AppendUint64(nil, math.Float64bits(0.1))},
			{"none", model.F32, []uint64{0}, nil},
			{"brain", model.BF16, []uint64{2}, words(0x7F81, 0x1234)},
			{"ids", model.I64, []uint64{1}, words(1, 0, 0, 0)},
			{"mask", model.BOOL, []uint64{1}, []byte{1}},
		}, []tensor{
			{"half", model.BF16, []uint64{3}, words(0x3F80, 0x3F80, 0x7F80)},
			{"single", model.BF16, []uint64{1, 3}, words(0x3F80, 0x3F80, 0xFF80)},
			{"large", model.BF16, []uint64{uint64(len(large))}, words(rounded...)},
			{"double", model.BF16, []uint64{}, words(0x3DCD)},
			{"none", model.BF16, []uint64{0}, nil},
			{"brain", model.BF16, []uint64{2}, words(0x7F81, 0x1234)},
			{"ids", model.I64, []uint64{1}, words(1, 0, 0, 0)},
			{"mask", model.BOOL, []uint64{1}, []byte{1}},
		}
}

func TestConvert(t *testing.T) {
	before, after := unconverted()
	for _, shards := range []int{0, 3} {
		name := map[int]string{0: "one file", 3: "shards"}[shards]
		t.Run(name, func(t *testing.T) {
			src, dst := filepath.Join(t.TempDir(), "src"), filepath.Join(t.TempDir(), "dst")
			if shards == 0 {
				writeTensors(t, filepath.Join(src, "model.safetensors"), before)
			} else {
				writeShards(t, src, before, shards)
			}
			writeText(t, filepath.Join(src, "config.json"), `{"torch_dtype": "float32", "x": 1.0, "text_config": {"dtype":"float16", "y": "float32"}}`)
			writeText(t, filepath.Join(src, "sub", "config.json"), `{"torch_dtype": "float32"}`)
			r, err := Convert(context.Background(), src, dst, model.BF16, ConvertOptions{})
			if err != nil {
				t.Fatal(err)
			}
			got := readTensors(t, dst)
			if len(got) != len(after) {
				t.Errorf("%d tensors, want %d", len(got), len(after))
			}
			for _, want := range after {
				have := find(t, got, want.name)
				if have.dtype != want.dtype || !cmp.Equal(have.shape, want.shape) || string(have.data) != string(want.data) {
					t.Errorf("%s is %s %v, want %s %v, or its data differ", want.name, have.dtype, have.shape, want.dtype, want.shape)
				}
			}
			checkAligned(t, dst)
			checkConverted(t, src, dst, r)
			if n := r.Rounding; n.Values != n.Exact+n.Rounded+n.NaN || n.Values != uint64(7+3<<20/4+5) || n.Overflowed != 0 {
				t.Errorf("rounding: %+v", n)
			}
		})
	}
}

func checkAligned(t *testing.T, dir string) {
	t.Helper()
	c, err := model.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, x := range c.Tensors {
		if width := x.DType.Bits() / 8; x.Begin%width != 0 {
			t.Errorf("%s of %d bytes an element begins at %d", x.Name, width, x.Begin)
		}
	}
	for _, f := range c.Files {
		if f.Metadata["file"] != filepath.Base(f.Path()) {
			t.Errorf("metadata of %s: %v", f.Path(), f.Metadata)
		}
	}
}

// checkConverted looks at the files that are not weights.
func checkConverted(t *testing.T, src, dst string, r *ConvertReport) {
	t.Helper()
	from, to := tree(t, src), tree(t, dst)
	if len(from) != len(to) || to["sub/config.json"] != from["sub/config.json"] {
		t.Errorf("%d files, want %d", len(to), len(from))
	}
	if want := `{"torch_dtype": "bfloat16", "x": 1.0, "text_config": {"dtype":"bfloat16", "y": "float32"}}`; to["config.json"] != want || r.ConfigDTypes != 2 {
		t.Errorf("config.json, %d dtypes: %s", r.ConfigDTypes, to["config.json"])
	}
	var index struct {
		Metadata struct {
			Size uint64 `json:"total_size"`
		} `json:"metadata"`
	}
	text, sharded := to["model.safetensors.index.json"]
	if !sharded {
		return
	}
	if err := json.Unmarshal([]byte(text), &index); err != nil {
		t.Fatal(err)
	}
	var want uint64
	for _, x := range readTensors(t, dst) {
		want += uint64(len(x.data))
	}
	if index.Metadata.Size != want {
		t.Errorf("total_size is %d, want %d", index.Metadata.Size, want)
	}
}

// A model in bfloat16 is copied, byte for byte.
func TestConvertNothing(t *testing.T) {
	dst := filepath.Join(t.TempDir(), "dst")
	r, err := Convert(context.Background(), vectorModel, dst, model.BF16, ConvertOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Cast) != 0 || r.Rounding != (Rounding{}) {
		t.Errorf("report: %+v", r)
	}
	for name, text := range tree(t, vectorModel) {
		if got := tree(t, dst)[name]; name == "config.json" && got != text {
			t.Errorf("%s differs", name)
		}
	}
	before, after := readTensors(t, vectorModel), readTensors(t, dst)
	if diff := cmp.Diff(before, after, cmp.AllowUnexported(tensor{})); diff != "" {
		t.Error("the tensors, or their order, differ")
	}
}

func TestConvertBrokenConfig(t *testing.T) {
	src := filepath.Join(t.TempDir(), "src")
	before, _ := unconverted()
	writeShards(t, src, before, 1)
	index := filepath.Join(src, "model.safetensors.index.json")
	writeText(t, index, strings.Replace(tree(t, src)["model.safetensors.index.json"], "total_size\": ", "total_size\": 1", 1))
	dst := filepath.Join(t.TempDir(), "dst")
	if _, err := Convert(context.Background(), src, dst, model.BF16, ConvertOptions{}); err != nil {
		t.Errorf("a wrong total_size was not put right: %v", err)
	}
}

// FuzzConvertJSON edits the JSON files of a model as convert does: what comes out is JSON that has nothing but the edits,
// and a second edit changes nothing.
func FuzzConvertJSON(f *testing.F) {
	f.Add(`{"torch_dtype": "float32", "vision": {"dtype": "float16", "x": NaN}}`, true)
	f.Add(`{"metadata": {"total_size": 7}, "weight_map": {"a": "model.safetensors"}}`, false)
	f.Add(`{"metadata": {"total_size": {"total_size": {}}}, "weight_map": {"a": "x.safetensors", "b": "sub/x.safetensors"}}`, false)
	f.Fuzz(func(t *testing.T, text string, config bool) {
		v := converter{sizes: map[string]uint64{"a": 8, "b": 1 << 40}}
		edit := v.editIndex
		if config {
			edit = v.editConfig
		}
		var out []byte
		var err error
		cost.Bounded(t, len(text), 64<<10, 400, func() { out, err = edit([]byte(text)) })
		if err != nil {
			return
		}
		if !json.Valid(jsonedit.Standard(out)) {
			t.Fatalf("%q becomes %q", text, out)
		}
		if again, err := edit(out); err != nil || string(again) != string(out) {
			t.Fatalf("%q becomes %q, then %q, %v", text, out, again, err)
		}
	})
}
