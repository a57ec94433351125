package templates

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed54244801/bespoke/rans"
)

// Rans is the parameter of rans.cu.tmpl.
type Rans struct {
	// Header is the first line, without the comment marker.
	Header string
	// Comment is the text that follows it, line by line, without comment markers.
	Comment []string
	// Forms are those that there are kernels for: one or both.
	Forms []rans.Form
	// Tables are those of a model. There may be none.
	Tables []RansTable
}

// A RansTable is a table of a model.
type RansTable struct {
	// Comment says whose it is.
	Comment string
	// Words are the table as RansMatrix::table_at leads to it: [RansTableWords].
	Words []uint32
}

const (
	// RansTableWords is the number of words of a table: one for each bucket, and one for each symbol.
	RansTableWords = 2 * rans.Buckets
	// ransRowWords is the number of words in a line of the source.
	ransRowWords = 8
)

// Rows are the words by lines of the source.
func (t *RansTable) Rows() (rows []string) {
	for part := range slices.Chunk(t.Words, ransRowWords) {
		row := strings.Trim(fmt.Sprintf("%#08x", part), "[]")
		rows = append(rows, strings.ReplaceAll(row, " ", ", ")+",")
	}
	return rows
}

// A ransKernel is the kernels for a form. The numbers of blocks are those for which a multiprocessor has registers: four with 64
// a thread, three with 80.
type ransKernel struct {
	Form                        rans.Form
	Plane, Decode, Multiply     string
	DecodeBlocks, ProductBlocks int
}

// ransKernels are the kernels for each form.
var ransKernels = [...]ransKernel{
	{rans.Exponent, "ExponentPlane", "decode_rans", "matvec_rans", 4, 4},
	{rans.Joint, "JointPlane", "decode_rans_joint", "matvec_rans_joint", 4, 3},
}

// Validate reports the first parameter that would not give a correct kernel.
func (r *Rans) Validate() error {
	if r.Header == "" {
		return errors.New("templates: no header")
	}
	if len(r.Forms) == 0 {
		return errors.New("templates: no form")
	}
	for _, f := range r.Forms {
		if int(f) >= len(ransKernels) {
			return fmt.Errorf("templates: form %d, want less than %d", f, len(ransKernels))
		}
	}
	lines := append([]string{r.Header}, r.Comment...)
	for i := range r.Tables {
		if n := len(r.Tables[i].Words); n != RansTableWords {
			return fmt.Errorf("templates: table %d has %d words, want %d", i, n, RansTableWords)
		}
		lines = append(lines, r.Tables[i].Comment)
	}
	for _, line := range lines {
		if err := validateComment(line); err != nil {
			return fmt.Errorf("templates: %w", err)
		}
	}
	return nil
}

// ransData is what rans.cu.tmpl sees.
type ransData struct {
	*Rans
	Device  string
	Kernels []ransKernel
}

// Render returns the source of the kernels.
func (r *Rans) Render() ([]byte, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	var kernels []ransKernel
	for _, f := range r.Forms {
		kernels = append(kernels, ransKernels[f])
	}
	return render(ransTemplate, ransRoot, func(device string) any { return &ransData{r, device, kernels} })
}
