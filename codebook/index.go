package codebook

import (
	"fmt"
	"slices"
	"strings"
)

// An Index tells decoders where to start in a stream, so that it can be decoded in parts. Its value says which
// tensors of a unit hold it.
type Index int

// The indices. The zero value is that of DF11.
const (
	IndexGaps  Index = iota // gaps and output_positions
	IndexTiles              // tiles alone
	IndexBoth               // all three
)

// indexNames are the names of the indices.
var indexNames = [...]string{IndexGaps: "gaps", IndexTiles: "tiles", IndexBoth: "both"}

// IndexNames returns the names of the indices, the default first.
func IndexNames() []string { return slices.Clone(indexNames[:]) }

// IndexByName returns the index of that name.
func IndexByName(name string) (Index, error) {
	i := slices.Index(indexNames[:], name)
	if i < 0 {
		return 0, fmt.Errorf("codebook: no index %q, want %s", name, strings.Join(indexNames[:], ", "))
	}
	return Index(i), nil
}

// String returns the name of the index: gaps, tiles or both.
func (x Index) String() string {
	if x < 0 || int(x) >= len(indexNames) {
		return fmt.Sprintf("Index(%d)", int(x))
	}
	return indexNames[x]
}

// MarshalText returns the name of the index.
func (x Index) MarshalText() ([]byte, error) { return []byte(x.String()), nil }

// UnmarshalText sets the index to that of the given name.
func (x *Index) UnmarshalText(name []byte) (err error) {
	*x, err = IndexByName(string(name))
	return err
}

// HasGaps reports whether the index has gaps and output_positions.
func (x Index) HasGaps() bool { return x != IndexTiles }

// HasTiles reports whether the index has tiles.
func (x Index) HasTiles() bool { return x != IndexGaps }
