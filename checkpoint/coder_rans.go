package checkpoint

import (
	"fmt"

	"github.com/seed54244801/bespoke/codebook"
	encode "github.com/seed54244801/bespoke/encode/rans"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/rans"
)

// A ransCoder codes units with rANS. Every tensor has a table of its own.
type ransCoder struct {
	form rans.Form
	// tables are those of the tensors, by name, in the form Exponent. In the form Joint they are found when the tensors
	// are coded, because the symbols have not been counted before.
	tables map[string]*rans.Table
}

func (c *ransCoder) key() string { return fmt.Sprintf("rans %v", c.form) }

// tensorOverhead is what a coded tensor costs beside its bytes, in bytes: its place, its name and two sums in a header,
// and the same sums in the sidecar.
const tensorOverhead = 700

// choose drops the tensors that are no smaller coded than raw. It counts with the form Exponent, which takes a little
// more.
func (c *ransCoder) choose(m *countedModel, r *CompressReport) error {
	c.tables = map[string]*rans.Table{}
	lost := map[string]string{}
	for _, u := range m.partition.Units {
		for _, t := range u.Tensors {
			if err := model.CheckRANS(u.Name, t.Name, t.Shape); err != nil {
				lost[t.Name] = err.Error()
				continue
			}
			table, coded, err := ransBytes(m.tensors[t.Name], t.Shape)
			if err != nil {
				return fmt.Errorf("checkpoint: tensor %q: %w", t.Name, err)
			}
			if raw := t.Size(); coded+tensorOverhead >= raw {
				lost[t.Name] = fmt.Sprintf("no gain: the tensor takes %d bytes coded, %d raw", coded+tensorOverhead, raw)
				continue
			}
			if c.form == rans.Exponent {
				c.tables[t.Name] = table
			}
			r.CodedWeights += t.Elements()
			r.Books++
		}
	}
	r.Scheme = c.form.String()
	return m.partition.Drop(lost)
}

// expectRANS returns the expected size of all tensors of a model with rANS. It looks at the units before tensors that
// DF11 cannot express leave them.
func expectRANS(m *countedModel, c *model.Checkpoint) (*SchemeReport, error) {
	s := &SchemeReport{Name: string(model.RANS)}
	var weights, all uint64
	for _, t := range c.Tensors {
		all += t.Size()
	}
	for name, h := range m.tensors {
		t := c.Tensor(name)
		_, coded, err := ransBytes(h, t.Shape)
		if err != nil {
			return nil, fmt.Errorf("checkpoint: tensor %q: %w", name, err)
		}
		if coded+tensorOverhead < t.Size() {
			s.Books++
			s.CodedBytes += coded
			weights += t.Elements()
		}
	}
	s.Bytes = all - 2*weights + s.CodedBytes
	if weights > 0 {
		s.BitsPerWeight, s.Percent = 8*float64(s.CodedBytes)/float64(weights), 100*float64(s.Bytes)/float64(all)
	}
	return s, nil
}

// ransBytes returns the table of a tensor in the form Exponent, and about its size.
func ransBytes(h *codebook.Histogram, shape []uint64) (*rans.Table, uint64, error) {
	table, err := rans.NewTable(rans.Exponent, h[:])
	if err != nil {
		return nil, 0, err
	}
	return table, table.ExpectedBytes(rans.Exponent, h[:], rans.BlockWeights(shape)), nil
}

func (c *ransCoder) unitKey(int) string { return c.key() }

func (c *ransCoder) worker() func(u *model.PartitionUnit, i, workers int) ([]model.Entry, error) {
	// Their memory is used again.
	var stream rans.Stream
	var data [][]byte // of the tensors of a unit
	return func(u *model.PartitionUnit, _, workers int) (entries []model.Entry, err error) {
		data = append(data, make([][]byte, max(0, len(u.Tensors)-len(data)))...)
		for i, t := range u.Tensors {
			if err := c.encode(&stream, t, workers); err != nil {
				return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
			}
			e, err := model.RANSEntry(u.Name, t.Name, &rans.Tensor{Stream: stream, Shape: t.Shape}, data[i])
			if err != nil {
				return nil, err
			}
			data[i] = e.Data
			entries = append(entries, e)
		}
		return entries, nil
	}
}

// encode codes a tensor.
func (c *ransCoder) encode(into *rans.Stream, t *model.Tensor, workers int) error {
	table := c.tables[t.Name]
	if table == nil {
		var err error
		if table, err = rans.NewTable(c.form, encode.Histogram(c.form, [][]byte{t.Bytes()}, workers)); err != nil {
			return err
		}
	}
	e, err := encode.New(c.form, table)
	if err != nil {
		return err
	}
	_, err = e.Encode(into, t.Bytes(), rans.BlockWeights(t.Shape), workers)
	return err
}

func (c *ransCoder) measure(s *UnitSize, name string, data []byte) {
	t, err := rans.ParseTensor(data)
	if err != nil {
		return // reading back says what is wrong
	}
	s.addTensor(t)
}

// addTensor adds the size of a coded tensor.
func (s *UnitSize) addTensor(t *rans.Tensor) {
	all, blocks, plane := uint64(t.Size()), uint64(len(t.Blocks)), uint64(len(t.Plane))
	s.add(&UnitSize{RANS: &RANSSize{Headers: all - blocks - plane, Blocks: blocks, Plane: plane}})
}

func (c *ransCoder) config(text []byte, _ *model.Partition) ([]byte, error) {
	return (&model.RANSConfig{Version: model.RANSVersion}).InsertInto(text)
}

func (c *ransCoder) metadata(all map[string]string) { all["format"] = model.RANSFormat }

func (c *ransCoder) sidecar(s *model.Sidecar) { s.Codec, s.Scheme = model.RANS, c.form.String() }

func (c *ransCoder) book(int) string { return "" }
