package model

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed54244801/bespoke/codebook"
)

// written returns the bytes of an entry.
func written(t *testing.T, e Entry) string {
	t.Helper()
	var b bytes.Buffer
	if err := e.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestIndexedUnits writes a unit with every index and reads it back. The tensors that two of them have are
// the same.
func TestIndexedUnits(t *testing.T) {
	gaps := unitBlock(t, "block.0")
	want := map[codebook.Index][]string{
		codebook.IndexGaps:  partNames[:partTiles],
		codebook.IndexTiles: {"luts", "encoded_exponent", "sign_mantissa", "split_positions", "tiles"},
		codebook.IndexBoth:  partNames[:],
	}
	for index, names := range want {
		t.Run(index.String(), func(t *testing.T) {
			entries := indexedBlock(t, "block.0", index)
			var got []string
			for _, e := range entries {
				got = append(got, strings.TrimPrefix(e.Name, "block.0."))
				i := slices.IndexFunc(gaps, func(plain Entry) bool { return plain.Name == e.Name })
				if i >= 0 && (e.DType != gaps[i].DType || !slices.Equal(e.Shape, gaps[i].Shape) || written(t, e) != written(t, gaps[i])) {
					t.Errorf("tensor %s is not that of DF11", e.Name)
				}
			}
			if diff := cmp.Diff(names, got); diff != "" {
				t.Errorf("tensors (-want +got):\n%s", diff)
			}
			d, err := OpenContainer(df11Folder(t, blockConfig, map[string][]Entry{"model.safetensors": entries}))
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			s := &d.Units[0].Stream
			if s.Index() != index || len(d.Rest) != 0 || !d.Units[0].Named {
				t.Errorf("index %v, %d other tensors", s.Index(), len(d.Rest))
			}
			if err := codebook.Audit(s); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestIndexedUnitErrors(t *testing.T) {
	spoil := func(index codebook.Index, name string, change func(e *Entry)) []Entry {
		entries := indexedBlock(t, "block.0", index)
		for i := range entries {
			if entries[i].Name == "block.0."+name {
				change(&entries[i])
			}
		}
		return entries
	}
	without := func(index codebook.Index, name string) []Entry {
		return slices.DeleteFunc(indexedBlock(t, "block.0", index), func(e Entry) bool { return e.Name == "block.0."+name })
	}
	data := make([]byte, codebook.TileBytes)
	data[0] = 1
	tests := []struct {
		name    string
		entries []Entry
		want    string
	}{
		{"no index", without(codebook.IndexTiles, "tiles"), `tensor "output_positions" is missing`},
		{"half an index", without(codebook.IndexBoth, "gaps"), `tensor "gaps" is missing`},
		{"the other half", without(codebook.IndexBoth, "output_positions"), `tensor "output_positions" is missing`},
		{"flat", spoil(codebook.IndexTiles, "tiles", func(e *Entry) { e.Shape = []uint64{40} }), `tensor "block.0.tiles" is U8 [40], must be U8 with shape [*,40]`},
		{"columns", spoil(codebook.IndexTiles, "tiles", func(e *Entry) { e.Shape = []uint64{5, 8} }), "is U8 [5 8], must be U8 with shape [*,40]"},
		{"dtype", spoil(codebook.IndexBoth, "tiles", func(e *Entry) { e.DType = I8 }), "is I8 [1 40], must be U8"},
		{"empty", spoil(codebook.IndexBoth, "tiles", func(e *Entry) { *e = BytesEntry(e.Name, U8, []uint64{0, 40}, nil) }), `tiles has 0 bytes for 12 elements`},
		{"alone and empty", spoil(codebook.IndexTiles, "tiles", func(e *Entry) { *e = BytesEntry(e.Name, U8, []uint64{0, 40}, nil) }), `tiles has 0 bytes for 12 elements`},
		{"record", spoil(codebook.IndexTiles, "tiles", func(e *Entry) { *e = BytesEntry(e.Name, U8, []uint64{1, 40}, data) }), `unit "block.0": tiles: tile 0 starts at bit 1, want 0`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := OpenContainer(df11Folder(t, blockConfig, map[string][]Entry{"model.safetensors": tt.entries}))
			wantError(t, err, "model.safetensors: unit \"block.0\": ", tt.want)
		})
	}
}

// TestTilesOfAnother covers a tensor of that name that no unit is beside.
func TestTilesOfAnother(t *testing.T) {
	entries := append(unitBlock(t, "block.0"), BytesEntry("floor.tiles", U8, []uint64{1}, []byte{1}))
	d, err := OpenContainer(df11Folder(t, blockConfig, map[string][]Entry{"model.safetensors": entries}))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if len(d.Rest) != 1 || d.Rest[0].Name != "floor.tiles" {
		t.Errorf("other tensors: %v", d.Rest)
	}
}

// TestSidecarIndex compares the index that the sidecar names with the tensors.
func TestSidecarIndex(t *testing.T) {
	open := func(stored, named codebook.Index) error {
		dir := df11Folder(t, blockConfig, map[string][]Entry{"model.safetensors": indexedBlock(t, "block.0", stored)})
		s := exampleSidecar(t)
		s.Index = named
		for _, e := range indexedBlock(t, "block.0", stored) {
			s.Sums[e.Name] = SumTensor(e.Data)
		}
		text, err := s.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, SidecarName), text, 0o666); err != nil {
			t.Fatal(err)
		}
		d, err := OpenContainer(dir)
		if err != nil {
			return err
		}
		if d.Sidecar.Index != named {
			t.Errorf("index %v read back as %v", named, d.Sidecar.Index)
		}
		return d.Close()
	}
	for index := range codebook.IndexNames() {
		if err := open(codebook.Index(index), codebook.Index(index)); err != nil {
			t.Error(err)
		}
	}
	wantError(t, open(codebook.IndexGaps, codebook.IndexTiles), SidecarName, `unit "block.0": index tiles, the checkpoint has gaps`)
	_, err := ParseSidecar([]byte(`{"version":3,"index":"none"}`))
	wantError(t, err, `no index "none", want gaps, tiles, both`)
}
