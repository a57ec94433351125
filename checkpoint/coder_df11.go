package checkpoint

import (
	"fmt"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/encode"
	"github.com/seed54244801/bespoke/model"
)

// A df11Coder codes units with DF11.
type df11Coder struct {
	scheme codebook.Scheme
	index  codebook.Index
	units  []AnalysedUnit // parallel to the units of the partition
}

func (c *df11Coder) key() string { return fmt.Sprintf("%s %v", c.scheme.Name(), c.index) }

func (c *df11Coder) choose(m *countedModel, r *CompressReport) (err error) {
	if err := m.dropInexpressible(); err != nil {
		return err
	}
	if _, c.units, _, err = m.choose(c.scheme); err != nil {
		return err
	}
	cost := priceOf(c.units)
	r.Scheme, r.Index = c.scheme.Name(), c.index
	r.Books, r.LongestCode, r.CodedWeights = len(cost.books), cost.longest, cost.weights
	return nil
}

func (c *df11Coder) unitKey(i int) string { return c.units[i].Book.Fingerprint().String() }

func (c *df11Coder) worker() func(u *model.PartitionUnit, i, workers int) ([]model.Entry, error) {
	encoder := encode.Encoder{Index: c.index}
	return func(u *model.PartitionUnit, i, workers int) ([]model.Entry, error) {
		var parts [][]byte
		for _, t := range u.Tensors {
			parts = append(parts, t.Bytes())
		}
		encoder.Workers = workers
		stream, err := encoder.Encode(c.units[i].Book, parts)
		if err != nil {
			return nil, err
		}
		return model.UnitEntries(u.Name, stream, u.SplitPositions()), nil
	}
}

func (c *df11Coder) measure(s *UnitSize, name string, data []byte) {
	parts := map[string]*uint64{
		"luts": &s.Luts, "encoded_exponent": &s.Stream, "sign_mantissa": &s.SignMantissa, "output_positions": &s.OutputPositions,
		"gaps": &s.Gaps, "split_positions": &s.SplitPositions, "tiles": &s.Tiles,
	}
	if n := parts[model.PartOf(name)]; n != nil {
		*n += uint64(len(data))
	}
}

func (c *df11Coder) config(text []byte, p *model.Partition) ([]byte, error) {
	patterns, err := p.PatternDict()
	if err != nil {
		return nil, err
	}
	return model.NewDF11Config(patterns).InsertInto(text)
}

func (c *df11Coder) metadata(all map[string]string) {
	if all["format"] == "" {
		all["format"] = "pt" // some loaders refuse metadata without it
	}
}

func (c *df11Coder) sidecar(s *model.Sidecar) { s.Scheme, s.Index = c.scheme.Name(), c.index }

func (c *df11Coder) book(i int) string { return c.units[i].Book.Fingerprint().String() }
