package cudahost_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cudahost"
	"github.com/seed54244801/bespoke/model"
)

// TestKernelVectors decodes a checkpoint that the published encoder wrote, with a kernel cut for its code books and
// with one cut for another.
func TestKernelVectors(t *testing.T) {
	d, err := model.OpenDF11(filepath.Join("..", "..", "model", "testdata", "tiny-llama", "df11"))
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
	for _, c := range []struct {
		name string
		k    *cudahost.Kernel
	}{
		{"own books", bookKernel(t, books...)},
		{"one book", bookKernel(t, books[0])},
	} {
		for _, u := range d.Units {
			t.Run(c.name+", "+u.Name, func(t *testing.T) {
				want := make([]uint16, u.Stream.Elements())
				if err := codebook.Decode(want, &u.Stream); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(publishedDecode(&u.Stream), want) {
					t.Error("the published algorithm decodes other weights")
				}
				check(t, c.k, cudahost.Launch{Stream: &u.Stream}, want)
			})
		}
	}
}
