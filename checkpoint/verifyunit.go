package checkpoint

import (
	"bytes"
	"fmt"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
)

// decode decodes a unit. A stream that is broken is reported, and not ok.
func (v *verifier) decode(u *model.Unit) (decoded []byte, ok bool, err error) {
	n := u.Stream.Elements()
	if cap(v.words) < n {
		v.words = make([]uint16, n)
	}
	words := v.words[:n]
	err = v.m.DecodeUnit(v.ctx, u.Name, words)
	if cancelled := v.ctx.Err(); cancelled != nil {
		return nil, false, cancelled
	}
	if err != nil {
		v.differ(DiffStream, u.Name, "%v", err)
		return nil, false, nil
	}
	return fileBytes(words), true, nil
}

// unit decodes a unit, compares its tensors and audits its stream.
func (v *verifier) unit(u *model.Unit) error {
	decoded, ok, err := v.decode(u)
	if err != nil {
		return err
	}
	for _, t := range u.Tensors {
		v.report.Tensors++
		v.report.Decoded++
		v.report.Weights += uint64(t.Elements)
		original := v.original(t.Name, model.BF16, t.Shape)
		switch {
		case original == nil || !ok:
		case original.Elements() != uint64(t.Elements):
			v.differ(DiffShape, t.Name, "%d elements in the model, %d in the checkpoint", original.Elements(), t.Elements)
		default:
			v.compare(original, decoded[2*t.Offset:2*(t.Offset+t.Elements)])
		}
	}
	if ok {
		v.audit(u, decoded)
	}
	v.p.Advance(2 * int64(u.Stream.Elements()))
	return v.ctx.Err()
}

// compare compares the bytes of a tensor with got, as many, and reports the first element that differs.
func (v *verifier) compare(t *model.Tensor, got []byte) {
	want := t.Bytes()
	if bytes.Equal(want, got) {
		return
	}
	width := max(int(t.DType.Bits()/8), 1) // elements of less than a byte go by bytes
	d := Difference{Kind: DiffValue, Name: t.Name}
	for i := 0; i < len(got); i += width {
		a, b := want[i:min(i+width, len(want))], got[i:min(i+width, len(got))]
		if bytes.Equal(a, b) {
			continue
		}
		if d.Elements++; d.Elements == 1 {
			d.First, d.Want, d.Got = uint64(i/width), hexWord(a), hexWord(b)
		}
	}
	d.Detail = fmt.Sprintf("elements that differ: %d, the first at index %d: %s in the model, %s in the checkpoint", d.Elements, d.First, d.Want, d.Got)
	v.report.Differences = append(v.report.Differences, d)
}

// hexWord writes a little-endian number in hexadecimal digits.
func hexWord(b []byte) string {
	text := "0x"
	for i := len(b) - 1; i >= 0; i-- {
		text += fmt.Sprintf("%02x", b[i])
	}
	return text
}

// audit checks the gap of every window and the record of every tile, on which GPU kernels rely. Coding the
// weights again with the same book gives them; only where the two differ does the slow audit decide whether it matters.
func (v *verifier) audit(u *model.Unit, decoded []byte) {
	book, err := codebook.ParseLuts(u.Stream.Luts)
	if err != nil {
		v.differ(DiffStream, u.Name, "%v", err)
		return
	}
	v.encoder.Index = u.Stream.Index()
	again, err := v.encoder.Encode(book, [][]byte{decoded})
	if err == nil && bytes.Equal(again.Encoded, u.Stream.Encoded) && bytes.Equal(again.Gaps, u.Stream.Gaps) &&
		bytes.Equal(again.OutputPositions, u.Stream.OutputPositions) && bytes.Equal(again.Tiles, u.Stream.Tiles) {
		return
	}
	if err := codebook.Audit(&u.Stream); err != nil {
		v.differ(DiffStream, u.Name, "%v", err)
	}
}
