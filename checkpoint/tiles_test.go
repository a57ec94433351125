package checkpoint

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
)

// TestIndexRoundTrip takes models through every command with every index.
func TestIndexRoundTrip(t *testing.T) {
	for _, source := range sources {
		for index := range codebook.IndexNames() {
			for _, single := range []bool{false, true} {
				index := codebook.Index(index)
				t.Run(fmt.Sprintf("%s/%v/single=%t", source.name, index, single), func(t *testing.T) {
					ctx, src := context.Background(), source.build(t)
					df11, back := filepath.Join(t.TempDir(), "df11"), filepath.Join(t.TempDir(), "back")
					r, err := Compress(ctx, src, df11, CompressOptions{Index: index, SingleFile: single, Verify: true})
					if err != nil {
						t.Fatal(err)
					}
					checkSizes(t, df11, r, single)
					if r.Index != index || (r.Stored.Gaps > 0) != index.HasGaps() || (r.Stored.Tiles > 0) != index.HasTiles() {
						t.Errorf("report: %+v", r)
					}
					d, err := Decompress(ctx, df11, back, DecompressOptions{})
					if err != nil {
						t.Fatal(err)
					}
					if !d.Identical {
						t.Errorf("report: %+v", d)
					}
					inspected, err := Inspect(ctx, df11, AnalyseOptions{})
					if err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(r.Stored.Size, inspected.Stored.Size); diff != "" {
						t.Errorf("sizes (-compressed +inspected):\n%s", diff)
					}
				})
			}
		}
	}
}

// TestIndexTensors compares the tensors of checkpoints that differ in their index.
func TestIndexTensors(t *testing.T) {
	tensors := map[codebook.Index]map[string]string{}
	totals := map[codebook.Index]uint64{}
	for index := range codebook.IndexNames() {
		index, dir := codebook.Index(index), filepath.Join(t.TempDir(), "df11")
		r, err := Compress(context.Background(), vectorModel, dir, CompressOptions{Index: index})
		if err != nil {
			t.Fatal(err)
		}
		totals[index] = r.Stored.Size.Total()
		d, err := model.OpenContainer(dir)
		if err != nil {
			t.Fatal(err)
		}
		tensors[index] = map[string]string{}
		for _, f := range d.Files {
			for _, x := range f.Tensors {
				tensors[index][x.Name] = string(x.Bytes())
			}
		}
		if d.Sidecar.Index != index {
			t.Errorf("sidecar: index %v, want %v", d.Sidecar.Index, index)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	gaps, tiles, both := tensors[codebook.IndexGaps], tensors[codebook.IndexTiles], tensors[codebook.IndexBoth]
	for name, data := range both {
		part := name[strings.LastIndexByte(name, '.')+1:]
		if want, ok := gaps[name]; ok == (part == "tiles") || ok && want != data {
			t.Errorf("%s is not as with gaps alone", name)
		}
		if want, ok := tiles[name]; ok == (part == "gaps" || part == "output_positions") || ok && want != data {
			t.Errorf("%s is not as with tiles alone", name)
		}
	}
	if !(totals[codebook.IndexTiles] < totals[codebook.IndexGaps] && totals[codebook.IndexGaps] < totals[codebook.IndexBoth]) {
		t.Errorf("sizes: %v", totals)
	}
}

// TestVerifyTiles damages the index in ways that decoding on a CPU does not notice.
func TestVerifyTiles(t *testing.T) {
	for _, index := range []codebook.Index{codebook.IndexTiles, codebook.IndexBoth} {
		t.Run(index.String(), func(t *testing.T) {
			df11 := filepath.Join(t.TempDir(), "df11")
			if _, err := Compress(context.Background(), vectorModel, df11, CompressOptions{Index: index}); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(df11, "lm_head.safetensors")
			damage(t, path, "lm_head.tiles", func(b []byte) {
				over := b[codebook.TileBytes*3+8:][:codebook.TileLanes] // two lanes trade a bit
				over[31]++
				for l := range over {
					if over[l] > 1 {
						over[l]--
						break
					}
				}
			})
			r, err := Verify(context.Background(), vectorModel, df11, VerifyOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Differences) != 2 || r.Differences[0].Kind != DiffStream || !strings.Contains(r.Differences[0].Detail, "codebook: tile 3: byte ") ||
				r.Differences[1].Kind != DiffSum || r.Differences[1].Name != "lm_head.tiles" {
				t.Errorf("differences: %+v", r.Differences)
			}
			damage(t, path, "lm_head.tiles", func(b []byte) { b[codebook.TileBytes*5]++ })
			_, err = Verify(context.Background(), vectorModel, df11, VerifyOptions{})
			if err == nil || !strings.Contains(err.Error(), `unit "lm_head": tiles: tile 4 ends at bit `) {
				t.Errorf("error %v", err)
			}
		})
	}
}
