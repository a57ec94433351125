package templates

import "errors"

// Rans is the parameter of rans.cu.tmpl.
type Rans struct {
	// Header is the first line, without the comment marker.
	Header string
}

// The numbers of thread blocks of the kernels for which a multiprocessor has registers: 64 a thread.
const (
	ransDecodeBlocks  = 4
	ransJointBlocks   = 4
	ransProductBlocks = 4
)

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
	Device                                   string
	DecodeBlocks, JointBlocks, ProductBlocks int
}

// Render returns the source of the kernels.
func (r *Rans) Render() ([]byte, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	return render(ransTemplate, ransRoot, func(device string) any {
		return &ransData{r, device, ransDecodeBlocks, ransJointBlocks, ransProductBlocks}
	})
}
