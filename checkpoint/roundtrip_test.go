package checkpoint

import (
	"bytes"
	"cmp"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/rans"
)

// sources builds models of every layout; each returns the path to compress.
var sources = []struct {
	name  string
	build func(t *testing.T) string
}{
	{"folder", func(t *testing.T) string { return vectorModel }},
	{"shards and other files", func(t *testing.T) string {
		dir := filepath.Join(t.TempDir(), "sharded")
		writeShards(t, dir, readTensors(t, vectorModel), 3)
		writeText(t, filepath.Join(dir, "config.json"), strings.TrimSuffix(vectorConfig(t), "}")+",\n  \"limit\": Infinity\n}\n")
		writeText(t, filepath.Join(dir, "README.md"), "a model\r\n")
		writeText(t, filepath.Join(dir, "empty"), "")
		writeText(t, filepath.Join(dir, "onnx", "model.onnx"), "\xff\x00")
		writeText(t, filepath.Join(dir, "onnx", "x.safetensors"), "not one")
		writeText(t, filepath.Join(dir, "bespoke.json"), "of someone else")
		writeText(t, filepath.Join(dir, "original", "config.json"), "{}")
		writeTensors(t, filepath.Join(dir, "consolidated.safetensors"), readTensors(t, vectorModel)[:3])
		writeText(t, filepath.Join(dir, "original", "consolidated.safetensors"), "another")
		return dir
	}},
	{"files in the way", func(t *testing.T) string {
		dir := copyTree(t, vectorModel)
		for _, name := range []string{"lm_head.safetensors/x", "a.SAFETENSORS", "bespoke.json/x", "original", "x y/-f", "model.safetensors.d/x"} {
			writeText(t, filepath.Join(dir, name), name)
		}
		return dir
	}},
	{"links", func(t *testing.T) string {
		blobs, dir := copyTree(t, vectorModel), filepath.Join(t.TempDir(), "snapshot")
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		for name := range tree(t, blobs) {
			if err := os.Symlink(filepath.Join(blobs, name), filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}},
	{"one file", func(t *testing.T) string {
		return filepath.Join(copyTree(t, vectorModel), "model.safetensors")
	}},
	{"all kinds of tensors", func(t *testing.T) string { return mixedModel(t) }},
	{"unknown architecture", func(t *testing.T) string {
		dir := filepath.Join(t.TempDir(), "unknown")
		writeTensors(t, filepath.Join(dir, "weights.safetensors"), []tensor{
			{"net.0.a.weight", model.BF16, []uint64{256, 128}, gaussian(32768, 1)},
			{"net.0.b.weight", model.BF16, []uint64{256, 128}, gaussian(32768, 2)},
			{"net.1.a.weight", model.BF16, []uint64{256, 128}, gaussian(32768, 3)},
			{"strange/name:out.weight", model.BF16, []uint64{256, 128}, gaussian(32768, 4)},
			{"strange_name_out.weight", model.BF16, []uint64{256, 128}, gaussian(32768, 5)},
			{strings.Repeat("å", 300) + ".weight", model.BF16, []uint64{256, 128}, gaussian(32768, 6)},
		})
		return dir
	}},
}

// mixedModel is a Llama with tensors that cannot be coded among those that can.
func mixedModel(t *testing.T) string {
	list := readTensors(t, vectorModel)
	q := find(t, list, "model.layers.0.self_attn.q_proj.weight")
	copy(q.data, "\x80\x7f\x80\xff\xc1\x7f\x01\xff\x81\x7f\xff\xff") // infinities, quiet and signalling NaNs
	copy(find(t, list, "model.layers.1.mlp.up_proj.weight").data[100:], "\x00\x78")
	norm := find(t, list, "model.norm.weight")
	copy(norm.data, "\x81\x7f") // a signalling NaN in a tensor that is not coded anyway
	list = append(list,
		tensor{"ids", model.I64, []uint64{2}, make([]byte, 16)},
		tensor{"empty", model.BF16, []uint64{0, 4}, nil},
		tensor{"none.weight", model.BF16, []uint64{4, 0}, nil},
		tensor{"scalar", model.F32, nil, []byte{1, 2, 3, 4}},
		tensor{"mask", model.BOOL, []uint64{3}, []byte{0, 1, 1}},
		tensor{"eight.weight", model.F8E4M3, []uint64{5, 1}, []byte("abcde")},
	)
	dir := filepath.Join(t.TempDir(), "mixed")
	writeTensors(t, filepath.Join(dir, "model.safetensors"), list)
	writeText(t, filepath.Join(dir, "config.json"), vectorConfig(t))
	return dir
}

// codings are the options of every way to code.
func codings() (all []CompressOptions) {
	for _, scheme := range Schemes() {
		all = append(all, CompressOptions{Scheme: scheme})
	}
	for _, form := range []rans.Form{rans.Exponent, rans.Joint} {
		all = append(all, CompressOptions{Codec: model.RANS, Form: form})
	}
	return all
}

// schemeOf is the scheme of a report on such options.
func schemeOf(o CompressOptions) string {
	if o.Codec == model.RANS {
		return o.Form.String()
	}
	return o.Scheme
}

func TestRoundTrip(t *testing.T) {
	for _, source := range sources {
		for _, opts := range codings() {
			for _, single := range []bool{false, true} {
				name := source.name + "/" + schemeOf(opts)
				if single {
					name += "/single file"
				}
				t.Run(name, func(t *testing.T) {
					src := source.build(t)
					work := t.TempDir()
					df11, back := filepath.Join(work, "df11"), filepath.Join(work, "back")
					opts.SingleFile, opts.Verify = single, true
					r, err := Compress(context.Background(), src, df11, opts)
					if err != nil {
						t.Fatal(err)
					}
					if !r.Verified || r.Compressed >= r.Original || r.Scheme != schemeOf(opts) || r.Codec != cmp.Or(opts.Codec, model.DF11) {
						t.Errorf("report: %+v", r)
					}
					checkSizes(t, df11, r, single)
					d, err := Decompress(context.Background(), df11, back, DecompressOptions{})
					if err != nil {
						t.Fatal(err)
					}
					if !d.Identical {
						t.Errorf("report: %+v", d)
					}
					want := map[string]string{}
					if info, err := os.Stat(src); err == nil && info.IsDir() {
						want = tree(t, src)
					} else {
						want["model.safetensors"] = tree(t, filepath.Dir(src))["model.safetensors"]
					}
					sameTree(t, want, tree(t, back))
					if entries, _ := os.ReadDir(work); len(entries) != 2 {
						t.Errorf("left behind: %v", entries)
					}
				})
			}
		}
	}
}

// checkSizes compares the sizes in a report with the files.
func checkSizes(t *testing.T, df11 string, r *CompressReport, single bool) {
	t.Helper()
	d, err := model.OpenContainer(df11)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var tensors uint64
	for _, f := range d.Files {
		for _, x := range f.Tensors {
			tensors += x.Size()
		}
	}
	if sum := r.Stored.UnitSize.Total() + r.Stored.Raw; sum != tensors {
		t.Errorf("the report says %d bytes of tensors, the files hold %d", sum, tensors)
	}
	if want := map[bool]int{false: r.Units + 1, true: 1}[single]; len(d.Files) != want {
		t.Errorf("%d files, want %d", len(d.Files), want)
	}
	if len(d.Units) != r.Units || len(d.Rest) != len(r.Raw) {
		t.Errorf("%d units and %d raw tensors, the report says %d and %d", len(d.Units), len(d.Rest), r.Units, len(r.Raw))
	}
}

// The published code books give the published files, and those give the model back.
func TestPublishedVector(t *testing.T) {
	work := t.TempDir()
	df11, back := filepath.Join(work, "df11"), filepath.Join(work, "back")
	if _, err := Compress(context.Background(), vectorModel, df11, CompressOptions{Scheme: "published"}); err != nil {
		t.Fatal(err)
	}
	got := tree(t, df11)
	delete(got, model.SidecarName)
	sameTree(t, tree(t, vectorDF11), got)

	r, err := Decompress(context.Background(), vectorDF11, back, DecompressOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Identical || r.Tensors != 21 || r.Decoded != 16 {
		t.Errorf("report: %+v", r)
	}
	restored := readTensors(t, back)
	for _, want := range readTensors(t, vectorModel) {
		got := find(t, restored, want.name)
		if string(got.data) != string(want.data) || got.dtype != want.dtype || len(got.shape) != len(want.shape) {
			t.Errorf("%s differs", want.name)
		}
	}
	if got := tree(t, back)["config.json"]; got != vectorConfig(t) {
		t.Errorf("config.json is\n%s", got)
	}
}

func TestCompressReportsRawTensors(t *testing.T) {
	r, err := Compress(context.Background(), mixedModel(t), filepath.Join(t.TempDir(), "df11"), CompressOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"model.layers.0.self_attn.q_proj.weight": "6 of 4096 weights are infinite, NaN or at least 2^113",
		"model.layers.1.mlp.up_proj.weight":      "1 of 11264 weights are infinite, NaN or at least 2^113",
		"scalar":                                 "F32, only BF16 is coded",
		"eight.weight":                           "F8_E4M3, only BF16 is coded",
	}
	for _, raw := range r.Raw {
		if reason, ok := want[raw.Name]; ok && raw.Reason != reason {
			t.Errorf("%s: %q, want %q", raw.Name, raw.Reason, reason)
		}
		delete(want, raw.Name)
	}
	if len(want) > 0 {
		t.Errorf("not reported: %v", want)
	}
}

// A unit that coding would not make smaller stays raw, and so does what is too small to gain.
func TestCompressLeavesLosingUnits(t *testing.T) {
	noise := make([]byte, 2*8192)
	random := rand.New(rand.NewPCG(3, 4))
	for i := 0; i < len(noise); i += 2 {
		w := uint16(random.IntN(240))<<7 | uint16(random.IntN(128))
		noise[i], noise[i+1] = byte(w), byte(w>>8)
	}
	dir, df11 := filepath.Join(t.TempDir(), "noise"), filepath.Join(t.TempDir(), "df11")
	writeTensors(t, filepath.Join(dir, "model.safetensors"), []tensor{
		{"net.0.weight", model.BF16, []uint64{64, 128}, noise},
		{"net.1.weight", model.BF16, []uint64{8, 8}, gaussian(64, 1)},
		{"net.2.weight", model.BF16, []uint64{128, 64}, gaussian(8192, 2)},
	})
	r, err := Compress(context.Background(), dir, df11, CompressOptions{Verify: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Raw) != 2 || !strings.HasPrefix(r.Raw[0].Reason, "no gain: the unit takes ") || !strings.Contains(r.Raw[1].Reason, "too small to gain") || r.Units != 1 {
		t.Errorf("report: %+v", r)
	}
}

// TestEveryWord takes every bfloat16 word through rANS, in one tensor of many exponents and in one of few.
func TestEveryWord(t *testing.T) {
	every, few := make([]byte, 2<<16), gaussian(1<<17, 7)
	for i := range 1 << 16 {
		every[2*i], every[2*i+1] = byte(i), byte(i>>8)
	}
	for i := range 1 << 16 { // sparse among others: each is a patch, or a rare symbol
		copy(few[4*i:], every[2*i:2*i+2*(1-min(1, i%97))])
	}
	dir := filepath.Join(t.TempDir(), "every")
	writeTensors(t, filepath.Join(dir, "model.safetensors"), []tensor{
		{"net.0.weight", model.BF16, []uint64{256, 512}, few},
		{"net.1.weight", model.BF16, []uint64{1 << 16}, every},
		{"net.2.weight", model.BF16, []uint64{4, 32, 64, 16}, bytes.Repeat(gaussian(1, 1), 1<<17)},
	})
	for _, opts := range codings()[len(Schemes()):] {
		out, back := filepath.Join(t.TempDir(), "rans"), filepath.Join(t.TempDir(), "back")
		r, err := Compress(context.Background(), dir, out, opts)
		if err != nil {
			t.Fatal(err)
		}
		if r.Units != 2 || len(r.Raw) != 1 || !strings.HasPrefix(r.Raw[0].Reason, "no gain: the tensor takes ") {
			t.Errorf("report: %+v", r)
		}
		if _, err := Decompress(context.Background(), out, back, DecompressOptions{}); err != nil {
			t.Fatal(err)
		}
		sameTree(t, tree(t, dir), tree(t, back))
	}
}
