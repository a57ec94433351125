package codebook

import (
	"fmt"
	"math"
)

// An Assignment gives each unit of a model its code book.
type Assignment struct {
	Books []*Book
	Unit  []int // Unit[i] is the index in Books of the book of unit i
}

// Scheme chooses the code books of a model from the histograms of its units.
type Scheme interface {
	// Name is the name that [SchemeByName] knows the scheme by.
	Name() string
	// Assign returns a book for every unit. It fails when a unit has a symbol that DF11 cannot
	// express or when the scheme has no code book for a unit.
	Assign(units []Histogram) (*Assignment, error)
}

// MaxBooks is the largest number of code books that the scheme "model" gives a model.
const MaxBooks = 8

// TableBits is the number of bits that decoders with a table in memory look up at a time. The scheme "model" never
// limits codes to fewer bits, because that would gain nothing.
const TableBits = 11

const (
	// limitSlack is the share of the size that the scheme "model" gives away for shorter codes.
	limitSlack = 0.001
	// clusterSlack is the share by which a model may be larger with few code books than with one for each unit,
	// with the same limits.
	clusterSlack = 0.001
	// clusterRounds bounds the rounds in which units move between clusters.
	clusterRounds = 16
)

// SchemeByName returns a way to choose code books:
//
//   - "published": a book for each unit, byte-identical with the published encoder, see [Published];
//   - "unit": a canonical book for each unit, as short as DF11 permits;
//   - "model": one canonical, length-limited book for the whole model, so that a kernel can be cut for it. If one
//     book costs over 0.1 % more than a book for each unit, there are more, at most [MaxBooks]. The limit on code
//     lengths is the smallest one from [TableBits] on that costs at most 0.1 % of the whole size.
func SchemeByName(name string) (Scheme, error) {
	switch name {
	case "published":
		return perUnit{name, Published}, nil
	case "unit":
		return perUnit{name, shortest}, nil
	case "model":
		return perModel{}, nil
	}
	return nil, fmt.Errorf("codebook: no scheme %q, want model, unit or published", name)
}

// perUnit gives each unit a book of its own.
type perUnit struct {
	name string
	book func(*Histogram) (*Book, error)
}

func (p perUnit) Name() string { return p.name }

func (p perUnit) Assign(units []Histogram) (*Assignment, error) {
	a := &Assignment{}
	for i := range units {
		book, err := p.book(&units[i])
		if err != nil {
			return nil, fmt.Errorf("unit %d: %w", i, err)
		}
		a.Books = append(a.Books, book)
		a.Unit = append(a.Unit, i)
	}
	return a, nil
}

// perModel gives all units one book, or clusters them around a few.
type perModel struct{}

func (perModel) Name() string { return "model" }

func (perModel) Assign(units []Histogram) (*Assignment, error) {
	ownSize := make([]uint64, len(units))
	var total uint64
	for i := range units {
		own, err := limited(&units[i])
		if err != nil {
			return nil, fmt.Errorf("unit %d: %w", i, err)
		}
		if ownSize[i], err = sizeWith(own, &units[i]); err != nil {
			return nil, err
		}
		total += ownSize[i]
	}
	allowed := int64(clusterSlack * float64(total))

	a := &Assignment{Unit: make([]int, len(units))}
	for clusters := 1; ; clusters++ {
		var err error
		if a, err = refine(units, a.Unit, clusters); err != nil {
			return nil, err
		}
		cost, worst, err := excess(units, ownSize, a)
		if err != nil {
			return nil, err
		}
		if cost <= allowed || clusters == MaxBooks {
			return a, nil
		}
		a.Unit[worst] = clusters // the unit that loses most seeds the next cluster
	}
}

// sizeWith returns the size in bytes of a unit with histogram h, coded with b.
func sizeWith(b *Book, h *Histogram) (uint64, error) {
	size, err := ExpectedSize(h, b)
	return size.Total(), err
}

// refine makes a book for each cluster and moves units to the book that codes them in the fewest
// bits, until none moves. Clusters that lose all units vanish.
func refine(units []Histogram, unit []int, clusters int) (*Assignment, error) {
	a := &Assignment{Unit: unit}
	for round := 0; ; round++ {
		if err := a.rebuild(units, clusters); err != nil {
			return nil, err
		}
		if clusters == 1 || round == clusterRounds || !a.move(units) {
			return a, nil
		}
	}
}

// rebuild makes the book of every cluster from the histograms of its units.
func (a *Assignment) rebuild(units []Histogram, clusters int) error {
	sums := make([]Histogram, clusters)
	members := make([]int, clusters)
	for i, k := range a.Unit {
		sums[k].Add(&units[i])
		members[k]++
	}
	renumber := make([]int, clusters)
	a.Books = nil
	for k := range sums {
		renumber[k] = len(a.Books)
		if members[k] == 0 && clusters > 1 {
			continue
		}
		book, err := limited(&sums[k])
		if err != nil {
			return err
		}
		a.Books = append(a.Books, book)
	}
	for i, k := range a.Unit {
		a.Unit[i] = renumber[k]
	}
	return nil
}

// move gives each unit its best book and reports whether any changed.
func (a *Assignment) move(units []Histogram) bool {
	moved := false
	for i := range units {
		best, bestBits := a.Unit[i], uint64(math.MaxUint64)
		if bits, err := a.Books[best].StreamBits(&units[i]); err == nil {
			bestBits = bits
		}
		for k, book := range a.Books {
			if bits, err := book.StreamBits(&units[i]); err == nil && bits < bestBits {
				best, bestBits = k, bits
			}
		}
		moved = moved || best != a.Unit[i]
		a.Unit[i] = best
	}
	return moved
}

// excess returns the number of bytes that the assignment costs over a book for each unit, and the unit that costs
// most of them.
func excess(units []Histogram, ownSize []uint64, a *Assignment) (total int64, worst int, err error) {
	most := int64(math.MinInt64)
	for i := range units {
		size, err := sizeWith(a.Books[a.Unit[i]], &units[i])
		if err != nil {
			return 0, 0, err
		}
		over := int64(size) - int64(ownSize[i])
		total += over
		if over > most {
			most, worst = over, i
		}
	}
	return total, worst, nil
}
