package codebook

import (
	"fmt"
	"slices"
	"strings"
)

// An Index says which tensors index the bit stream of a unit, so that it can be decoded in pieces.
type Index int

// The indices. The zero value is that of DF11.
const (
	IndexGaps  Index = iota // gaps and output_positions
	IndexTiles              // tiles alone
	IndexBoth               // all three
)

// IndexNames are the names of the indices, the default first.
var IndexNames = []string{"gaps", "tiles", "both"}

// IndexByName returns the index of that name.
func IndexByName(name string) (Index, error) {
	i := slices.Index(IndexNames, name)
	if i < 0 {
		return 0, fmt.Errorf("codebook: no index %q, want %s", name, strings.Join(IndexNames, ", "))
	}
	return Index(i), nil
}

// String returns the name of the index.
func (x Index) String() string {
	if x < 0 || int(x) >= len(IndexNames) {
		return fmt.Sprintf("Index(%d)", int(x))
	}
	return IndexNames[x]
}

// MarshalText returns the name of the index.
func (x Index) MarshalText() ([]byte, error) { return []byte(x.String()), nil }

// UnmarshalText sets the index to that of the given name.
func (x *Index) UnmarshalText(name []byte) (err error) {
	*x, err = IndexByName(string(name))
	return err
}

// HasGaps reports whether gaps and output_positions are there.
func (x Index) HasGaps() bool { return x != IndexTiles }

// HasTiles reports whether tiles is there.
func (x Index) HasTiles() bool { return x != IndexGaps }
