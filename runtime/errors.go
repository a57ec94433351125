package runtime

import (
	"fmt"
	"strings"

	"github.com/seed54244801/bespoke/codebook"
)

// A MismatchError reports a kernel that was not cut for the code book of a unit.
type MismatchError struct {
	Path   string                 // the checkpoint
	Unit   string                 // the first unit whose code book the kernel lacks
	Book   codebook.Fingerprint   // that unit's code book
	Kernel string                 // the kernel's name
	Books  []codebook.Fingerprint // the kernel's code books
}

// Error names the unit, the kernel and the code books of both.
func (e *MismatchError) Error() string {
	books := make([]string, len(e.Books))
	for i, b := range e.Books {
		books[i] = b.String()
	}
	return fmt.Sprintf("runtime: %s: unit %q has code book %v, kernel %s was cut for %s",
		e.Path, e.Unit, e.Book, e.Kernel, strings.Join(books, ", "))
}
