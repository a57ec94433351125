package host_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/host"
	"github.com/seed54244801/bespoke/internal/testenv"
)

// A kind is weights of some nature with a code book for them.
type kind struct {
	name    string
	weights []uint16
	book    *codebook.Book
}

// booksOfKernel is how many books a kernel can be cut for, firstKinds for how many kinds the first of two kernels is, which
// they share: to compile one takes seconds.
const booksOfKernel, firstKinds = 8, 6

// kinds returns what decoders have to cope with, in short that of the first kernel.
var kinds = sync.OnceValue(func() (all []kind) {
	add := func(name string, weights []uint16, book *codebook.Book, err error) {
		if err != nil {
			panic(err)
		}
		all = append(all, kind{name, weights, book})
	}
	canonical := func(name string, weights []uint16, most int) {
		b, err := codebook.Canonical(histogram(weights), most)
		add(name, weights, b, err)
	}
	published := func(name string, weights []uint16) {
		b, err := codebook.Published(histogram(weights))
		add(name, weights, b, err)
	}
	canonical("11 bits", trained(3, 40000), 11)
	published("published", trained(1, 40000))
	canonical("32 bits", trained(2, 40000), 32)
	canonical("one exponent", powers(5, 40000, 239, 1), 32)
	canonical("wide tiles", wide(209, 30000), 32)
	canonical("long codes", powers(208, 40000, 90, 30), 32)
	if !testenv.Long() {
		return all
	}

	canonical("short codes", powers(104, 40000, 100, 3), 32)
	canonical("some outliers", outliers(204, 40000, 1000), 32)
	canonical("12 bits", trained(102, 40000), 12)
	canonical("many outliers", outliers(205, 40000, 50), 32)
	published("published, powers", powers(12, 15000, 100, 20))
	h := histogram(powers(4, 9000, 90, 40))
	for s := 90; s < 112; s++ {
		h[s] = 1 << (112 - s)
	}
	b, err := codebook.Canonical(h, 32)
	add("codes of 22 bits", powers(4, 9000, 90, 40), b, err)
	far := powers(6, 40000, 3, 1)
	far[20000] = codebook.Join(200, 1)
	canonical("two exponents far apart", far, 32)
	return all
})

// kernel returns the kernel that is cut for the kind.
func (k *kind) kernel(t testing.TB) *host.Kernel {
	if i := slices.IndexFunc(kinds(), func(other kind) bool { return other.book == k.book }); i >= 0 {
		return kernelOfKinds(t, min(i/firstKinds, 1))
	}
	return bookKernel(t, k.book)
}

// flat is a book for every exponent alike, uneven one with a code of one bit and two of nine: for them, too, is the first
// kernel of the kinds.
var (
	flat = sync.OnceValue(func() *codebook.Book {
		var h codebook.Histogram
		for s := range codebook.MaxSymbol + 1 {
			h[s] = 1
		}
		b, err := codebook.Canonical(&h, 32)
		if err != nil {
			panic(err)
		}
		return b
	})
	uneven = sync.OnceValue(func() *codebook.Book {
		b, err := codebook.NewCanonical(&[256]uint8{127: 1, 0: 9, 1: 9}, 0)
		if err != nil {
			panic(err)
		}
		return b
	})
)

// kernelOfKinds returns one of the two kernels that the kinds share.
func kernelOfKinds(t testing.TB, i int) *host.Kernel {
	t.Helper()
	var books []*codebook.Book
	for at, k := range kinds() {
		if min(at/firstKinds, 1) == i {
			books = append(books, k.book)
		}
	}
	if i == 0 {
		books = append(books, flat(), uneven())
	}
	return bookKernel(t, books...)
}

// common is the kind with a kernel of its own, which tests share that need no other.
var common = sync.OnceValue(func() *kind {
	weights := trained(7, 40000)
	b, err := codebook.Canonical(histogram(weights), 16)
	if err != nil {
		panic(err)
	}
	return &kind{"common", weights, b}
})
