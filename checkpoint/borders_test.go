package checkpoint

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
)

// gainBytes are the weights of a unit that gains a number of bytes, or loses -gain: all of one exponent, so that each
// takes a bit in the stream and a byte beside it.
func gainBytes(t *testing.T, gain int) []byte {
	t.Helper()
	fixed := unitOverhead + 2*256 + 4*2 + codebook.ChunkWindows*codebook.GapBits/8
	for n := 1; ; n++ {
		if 2*n-(fixed+n+(n+7)/8) == gain {
			return bytes.Repeat([]byte{0x81, 0x3f}, n)
		}
	}
}

// TestGain codes a unit that gains a byte, and leaves one raw that gains none.
func TestGain(t *testing.T) {
	for gain := -1; gain <= 1; gain++ {
		t.Run(fmt.Sprint(gain), func(t *testing.T) {
			data := gainBytes(t, gain)
			src := filepath.Join(t.TempDir(), "model")
			writeTensors(t, filepath.Join(src, "model.safetensors"), []tensor{
				{"a.weight", model.BF16, []uint64{uint64(len(data) / 2), 1}, data},
				{"b.weight", model.BF16, []uint64{64, 128}, gaussian(64*128, 3)},
			})
			r, err := Compress(t.Context(), src, filepath.Join(t.TempDir(), "out"), CompressOptions{})
			if err != nil {
				t.Fatal(err)
			}
			var reasons []string
			for _, raw := range r.Raw {
				reasons = append(reasons, raw.Name+": "+raw.Reason)
			}
			var want []string
			if gain <= 0 {
				want = []string{fmt.Sprintf("a.weight: no gain: the unit takes %d bytes coded, %d raw", len(data)-gain, len(data))}
			}
			if diff := cmp.Diff(want, reasons); diff != "" {
				t.Errorf("raw tensors (-want +got):\n%s", diff)
			}
		})
	}
}

// TestUnitOverhead holds what a unit is taken to cost beside its tensors to what it does cost: a unit that gains makes
// the output smaller, and hardly any is left raw that would have.
func TestUnitOverhead(t *testing.T) {
	for _, name := range []string{"a.weight", "model.layers.11.self_attn.q_proj.weight"} {
		var sizes []uint64
		for _, gain := range []int{0, 1} {
			data := gainBytes(t, gain)
			src := filepath.Join(t.TempDir(), "model")
			writeTensors(t, filepath.Join(src, "model.safetensors"), []tensor{
				{name, model.BF16, []uint64{uint64(len(data) / 2), 1}, data},
				{"z.weight", model.BF16, []uint64{64, 128}, gaussian(64*128, 3)},
			})
			r, err := Compress(t.Context(), src, filepath.Join(t.TempDir(), "out"), CompressOptions{})
			if err != nil {
				t.Fatal(err)
			}
			sizes = append(sizes, r.Compressed)
		}
		if raw, coded := sizes[0], sizes[1]; coded > raw || raw-coded > unitOverhead/2 {
			t.Errorf("%s: %d bytes with a coded unit, %d without", name, coded, raw)
		}
	}
}

// TestAligned compresses tensors of all widths, of sizes that fit no other, and wants each to lie where its dtype can be
// read.
func TestAligned(t *testing.T) {
	src := filepath.Join(t.TempDir(), "model")
	list := []tensor{
		{"a.bytes", model.U8, []uint64{3}, []byte("abc")},
		{"b.weight", model.BF16, []uint64{64, 128}, gaussian(64*128, 3)},
		{"c.floats", model.F32, []uint64{5}, make([]byte, 20)},
		{"d.halves", model.F16, []uint64{3}, make([]byte, 6)},
		{"e.longs", model.I64, []uint64{2}, make([]byte, 16)},
		{"f.bytes", model.U8, []uint64{1}, []byte("f")},
		{"g.weight", model.BF16, []uint64{63, 131}, gaussian(63*131, 4)},
	}
	order := []int{4, 2, 1, 3, 6, 0, 5} // in which a file may hold them
	var sorted []tensor
	for _, i := range order {
		sorted = append(sorted, list[i])
	}
	writeTensors(t, filepath.Join(src, "model.safetensors"), sorted)
	for _, single := range []bool{false, true} {
		dst := filepath.Join(t.TempDir(), "out")
		if _, err := Compress(t.Context(), src, dst, CompressOptions{SingleFile: single}); err != nil {
			t.Fatal(err)
		}
		checkFileAligned(t, filepath.Join(dst, model.RestFileName))
		if err := os.Remove(filepath.Join(dst, model.SidecarName)); err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(t.TempDir(), "rebuilt")
		if _, err := Decompress(t.Context(), dst, out, DecompressOptions{Flat: true}); err != nil {
			t.Fatal(err)
		}
		checkFileAligned(t, filepath.Join(out, model.RestFileName))
	}
}

func checkFileAligned(t *testing.T, path string) {
	t.Helper()
	f, err := model.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if len(f.Tensors) < 5 {
		t.Errorf("%s has %d tensors", path, len(f.Tensors))
	}
	for _, x := range f.Tensors {
		if width := max(1, uint64(x.DType.Bits())/8); x.Begin%width != 0 {
			t.Errorf("%s: tensor %s, %s, starts at byte %d", path, x.Name, x.DType, x.Begin)
		}
	}
}

// reheader changes the header of a safetensors file, which keeps its length.
func reheader(t *testing.T, path, from, to string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := int(binary.LittleEndian.Uint64(data))
	header := strings.TrimRight(strings.Replace(string(data[8:8+n]), from, to, 1), " ")
	if !strings.Contains(string(data[8:8+n]), from) || len(header) > n {
		t.Fatalf("%s: no %q, or no room for %q", path, from, to)
	}
	copy(data[8:], header+strings.Repeat(" ", n-len(header)))
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestChangedHeader restores containers whose raw tensors have another dtype or shape than they had. Files of the
// published scheme have no sum of their header.
func TestChangedHeader(t *testing.T) {
	norm := `"model.norm.weight":{"dtype":"BF16","shape":[64]`
	changes := map[string]string{
		"dtype": `"model.norm.weight":{"dtype":"F16","shape":[64]`,
		"shape": `"model.norm.weight":{"dtype":"BF16","shape":[8,8]`,
	}
	for scheme, want := range map[string]string{
		"model":     "the header was changed since it was written",
		"published": `tensor "model.norm.weight" is BF16 [64], that of `,
	} {
		df11 := filepath.Join(t.TempDir(), "df11")
		if _, err := Compress(t.Context(), vectorModel, df11, CompressOptions{Scheme: scheme}); err != nil {
			t.Fatal(err)
		}
		for name, to := range changes {
			t.Run(scheme+"/"+name, func(t *testing.T) {
				changed := copyTree(t, df11)
				reheader(t, filepath.Join(changed, model.RestFileName), norm, to)
				out := filepath.Join(t.TempDir(), "out")
				if _, err := Decompress(t.Context(), changed, out, DecompressOptions{}); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want one with %q", err, want)
				}
				if _, err := os.Lstat(out); err == nil {
					t.Error("there is an output")
				}
			})
		}
	}
}

// TestEmptyShard carries a safetensors file without a tensor.
func TestEmptyShard(t *testing.T) {
	src := filepath.Join(t.TempDir(), "model")
	writeTensors(t, filepath.Join(src, "a.safetensors"), nil)
	writeTensors(t, filepath.Join(src, "b.safetensors"), []tensor{{"b.weight", model.BF16, []uint64{64, 128}, gaussian(64*128, 3)}})
	dst, out := filepath.Join(t.TempDir(), "df11"), filepath.Join(t.TempDir(), "out")
	if _, err := Compress(t.Context(), src, dst, CompressOptions{Verify: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := Decompress(t.Context(), dst, out, DecompressOptions{}); err != nil {
		t.Fatal(err)
	}
	sameTree(t, tree(t, src), tree(t, out))
}

// TestUnitOfAnother puts the unit file of another model of the same names and shapes into a container.
func TestUnitOfAnother(t *testing.T) {
	var containers []string
	for seed := range uint64(2) {
		src := filepath.Join(t.TempDir(), "model")
		writeTensors(t, filepath.Join(src, "model.safetensors"), []tensor{
			{"a.weight", model.BF16, []uint64{64, 128}, gaussian(64*128, 3)},
			{"b.weight", model.BF16, []uint64{64, 128}, gaussian(64*128, 4+seed)},
			{"norm", model.F32, []uint64{4}, make([]byte, 16)},
		})
		dst := filepath.Join(t.TempDir(), "df11")
		if _, err := Compress(t.Context(), src, dst, CompressOptions{Scheme: "unit"}); err != nil {
			t.Fatal(err)
		}
		containers = append(containers, dst)
	}
	for _, file := range []string{"a.safetensors", "b.safetensors", "model.safetensors", model.SidecarName} {
		t.Run(file, func(t *testing.T) {
			mixed := copyTree(t, containers[0])
			data, err := os.ReadFile(filepath.Join(containers[1], file))
			if err != nil {
				t.Fatal(err)
			}
			writeText(t, filepath.Join(mixed, file), string(data))
			out := filepath.Join(t.TempDir(), "out")
			if _, err := Decompress(t.Context(), mixed, out, DecompressOptions{}); err == nil {
				t.Error("no error")
			}
			if _, err := os.Lstat(out); err == nil {
				t.Error("there is an output")
			}
		})
	}
}

// stages is a Progress that notes what is begun.
type stages struct {
	silent
	begun []string
}

func (s *stages) Stage(name string, _ int64, _ string) { s.begun = append(s.begun, name) }

// TestOddFilesFirst refuses a folder with a file that cannot be carried along before anything else is done, or carries
// all others.
func TestOddFilesFirst(t *testing.T) {
	for _, name := range []string{`back\slash`, "bad\xffname", "sub/.git./config", "sub/.Cache/x"} {
		t.Run(strings.ToValidUTF8(name, "?"), func(t *testing.T) {
			src := copyTree(t, vectorModel)
			writeText(t, filepath.Join(src, name), "x")
			writeText(t, filepath.Join(src, ".git", "config"), "left out")
			dst := filepath.Join(t.TempDir(), "out")
			var p stages
			if _, err := Compress(t.Context(), src, dst, CompressOptions{Progress: &p}); !errors.Is(err, ErrUnknownFile) || len(p.begun) > 0 {
				t.Errorf("error %v after %q", err, p.begun)
			}
			r, err := Compress(t.Context(), src, dst, CompressOptions{SkipUnknownFiles: true})
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Skipped) != 1 || r.Skipped[0].Path != name {
				t.Errorf("skipped %v", r.Skipped)
			}
			out := filepath.Join(t.TempDir(), "back")
			if _, err := Decompress(t.Context(), dst, out, DecompressOptions{}); err != nil {
				t.Fatal(err)
			}
			if want := tree(t, vectorModel); !slices.Equal(keys(tree(t, out)), keys(want)) {
				t.Errorf("restored %q", keys(tree(t, out)))
			}
		})
	}
}

func keys(files map[string]string) (names []string) {
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
