package checkpoint

import (
	"cmp"
	"slices"

	"github.com/seed54244801/bespoke/model"
)

// DTypeCount sums up the tensors of one dtype.
type DTypeCount struct {
	DType    model.DType `json:"dtype"`
	Tensors  int         `json:"tensors"`
	Elements uint64      `json:"elements"`
	Bytes    uint64      `json:"bytes"`
}

// dtypeCounter counts tensors by dtype.
type dtypeCounter map[model.DType]*DTypeCount

func (d *dtypeCounter) add(t *model.Tensor) {
	if *d == nil {
		*d = dtypeCounter{}
	}
	n := (*d)[t.DType]
	if n == nil {
		n = &DTypeCount{DType: t.DType}
		(*d)[t.DType] = n
	}
	n.Tensors++
	n.Elements += t.Elements()
	n.Bytes += t.Size()
}

// list returns the counts, the largest first. It is never nil, so that it is an array in JSON.
func (d dtypeCounter) list() []DTypeCount {
	list := []DTypeCount{}
	for _, n := range d {
		list = append(list, *n)
	}
	slices.SortFunc(list, func(a, b DTypeCount) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.DType, b.DType))
	})
	return list
}

// addCoded counts a tensor that is a part of a coded unit.
func (d *dtypeCounter) addCoded(elements uint64) {
	t := &model.Tensor{DType: model.BF16, Shape: []uint64{elements}, End: 2 * elements}
	d.add(t)
}
