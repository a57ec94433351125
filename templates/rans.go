package templates

import "errors"

// Rans is the parameter of rans.cu.tmpl.
type Rans struct {
	// Header is the first line, without the comment marker.
	Header string
}

// ransBlocks is the number of thread blocks of the kernels of package rans for which a multiprocessor has registers: 48 a
// thread.
const ransBlocks = 5

// Validate reports the first parameter that would not give a correct kernel.
func (r *Rans) Validate() error {
	if r.Header == "" {
		return errors.New("templates: no header")
	}
	return validateComment(r.Header)
}

// ransData is what rans.cu.tmpl sees.
type ransData struct {
	*Rans
	Device       string
	DecodeBlocks int
}

// Render returns the source of the kernels.
func (r *Rans) Render() ([]byte, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	return render(ransTemplate, ransRoot, func(device string) any { return &ransData{r, device, ransBlocks} })
}
