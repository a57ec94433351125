package host_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/host"
	"github.com/seed54244801/bespoke/model"
)

// TestVectors decodes a checkpoint that the published encoder wrote: with kernels cut for its code books, with one cut
// for another, and with those cut for none.
func TestVectors(t *testing.T) {
	t.Parallel()
	d, err := model.OpenContainer(filepath.Join("..", "..", "..", "model", "testdata", "tiny-llama", "df11"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	var books []*codebook.Book
	for _, u := range d.Units {
		books = append(books, must(t)(codebook.ParseLuts(u.Stream.Luts)))
	}
	if len(books) < 2 {
		t.Fatalf("%d units, want several", len(books))
	}
	own, other, table := bookKernel(t, books...), common().kernel(t), tableKernel(t)
	for i, u := range d.Units {
		t.Run(u.Name, func(t *testing.T) {
			want := make([]uint16, u.Stream.Elements())
			if err := codebook.Decode(want, &u.Stream); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(publishedDecode(&u.Stream), want) {
				t.Error("the published algorithm decodes other weights")
			}
			s := u.Stream
			s.Tiles = codebook.EncodeTiles(books[i], want)
			for _, entry := range []host.Entry{host.Decode, host.Native, host.Tiles} {
				check(t, own, host.Launch{Stream: &s, Entry: entry}, want)
				check(t, other, host.Launch{Stream: &s, Entry: entry}, want)
			}
			for _, entry := range []host.Entry{host.NativeTable, host.TilesTable} {
				check(t, table, host.Launch{Stream: &s, Entry: entry, Table: tableOf(t, &s)}, want)
			}
		})
	}
}
