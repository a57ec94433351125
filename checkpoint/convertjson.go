package checkpoint

import (
	"slices"
	"strconv"

	"github.com/seed54244801/bespoke/internal/jsonedit"
	"github.com/seed54244801/bespoke/model"
)

// editor returns what brings a JSON file of the model up to date after a cast, nil for a file to copy.
func (v *converter) editor(name string) func([]byte) ([]byte, error) {
	switch {
	case len(v.report.Cast) == 0:
		return nil
	case name == model.ConfigName:
		return v.editConfig
	case model.IsWeightMap(name):
		return v.editIndex
	}
	return nil
}

// editConfig sets every torch_dtype and dtype that names a dtype which was cast, in nested
// configurations too.
func (v *converter) editConfig(text []byte) ([]byte, error) {
	floats := []string{`"float32"`, `"float16"`, `"float64"`}
	text, n, err := jsonedit.Replace(text, func(m jsonedit.Member, value []byte) []byte {
		if (m.Name == "torch_dtype" || m.Name == "dtype") && slices.Contains(floats, string(value)) {
			return []byte(`"bfloat16"`)
		}
		return nil
	})
	v.report.ConfigDTypes = n
	return text, err
}

// editIndex sets metadata.total_size to the new size of the tensors the index lists. An index of other
// files, such as those of a variant, stays as it is.
func (v *converter) editIndex(text []byte) ([]byte, error) {
	index, err := model.ParseWeightMap(text)
	if err != nil {
		return nil, err
	}
	var total uint64
	for tensor := range index.File {
		size, ok := v.sizes[tensor]
		if !ok {
			return text, nil
		}
		total += size
	}
	text, _, err = jsonedit.Replace(text, func(m jsonedit.Member, _ []byte) []byte {
		if m.Name == "total_size" && m.Depth == 2 {
			return strconv.AppendUint(nil, total, 10)
		}
		return nil
	})
	return text, err
}
