package runtime

import (
	"fmt"
	"strings"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
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

// A SumError reports a tensor whose bytes have another sum than the one in the checkpoint, although they could be
// decoded or read without an error. Its codes, its signs and mantissas, or its bytes were changed. The SumError is
// wrapped in an error that names file and unit.
type SumError struct {
	Tensor string
	// Have is the sum of the decoded weights, as little-endian bytes. Want is the sum in the checkpoint.
	Have, Want model.TensorSum
}

// Error names the tensor and both sums.
func (e *SumError) Error() string {
	return fmt.Sprintf("tensor %q: the decoded weights have the sum %v, want %v", e.Tensor, e.Have, e.Want)
}
