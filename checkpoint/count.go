package checkpoint

import (
	"context"
	"fmt"
	goruntime "runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/encode"
	"github.com/seed54244801/bespoke/model"
)

// A countedModel is a model divided into units, with the exponents of each counted.
type countedModel struct {
	partition *model.Partition
	// tensors holds the histograms of all tensors that were in a unit at first, by name.
	tensors map[string]*codebook.Histogram
	// sums are those of the model's files, and tensorSums those of all its tensors, by name. Both are empty unless
	// they are wanted.
	sums       []model.FileSum
	tensorSums map[string]model.TensorSum
}

// countModel divides a model into units and counts their exponents. If sums are wanted, it computes them in the same
// pass, while the bytes are at hand.
func countModel(ctx context.Context, c *model.Checkpoint, opts model.PartitionOptions, sums bool, p Progress) (*countedModel, error) {
	partition, err := model.NewPartition(c, opts)
	if err != nil {
		return nil, err
	}
	m := &countedModel{partition: partition, tensors: map[string]*codebook.Histogram{}}
	return m, m.count(ctx, c, sums, p)
}

// count fills in the histograms, and the sums if they are wanted.
func (m *countedModel) count(ctx context.Context, c *model.Checkpoint, sums bool, p Progress) error {
	for _, u := range m.partition.Units {
		for _, t := range u.Tensors {
			m.tensors[t.Name] = &codebook.Histogram{}
		}
	}
	var spans []span
	var files []*summed
	tensors := map[string]*model.TensorSummer{}
	for _, f := range c.Files {
		like := span{}
		if sums {
			like.file = &summed{}
			files = append(files, like.file)
			spans = cut(spans, f.Start(), like)
		}
		for _, t := range f.Tensors {
			like.counts = m.tensors[t.Name]
			if sums {
				like.tensor = model.NewTensorSummer(t.Size())
				tensors[t.Name] = like.tensor
			}
			if like.counts != nil || sums {
				spans = cut(spans, t.Bytes(), like)
			}
		}
	}
	var total int64
	for i := range spans {
		total += int64(len(spans[i].bytes))
	}
	p.Stage("counting exponents", total, "")
	if err := survey(ctx, spans, p); err != nil {
		return err
	}
	m.tensorSums = map[string]model.TensorSum{}
	for _, f := range files {
		m.sums = append(m.sums, f.sum.Sum())
	}
	for name, tensor := range tensors {
		m.tensorSums[name] = tensor.Sum()
	}
	return nil
}

// dropInexpressible removes tensors from their units if they hold exponents for which DF11 has no code.
func (m *countedModel) dropInexpressible() error {
	reasons := map[string]string{}
	for name, h := range m.tensors {
		var n uint64
		for _, count := range h[codebook.MaxSymbol+1:] {
			n += count
		}
		if n > 0 {
			reasons[name] = fmt.Sprintf("%d of %d weights are infinite, NaN or at least 2^113", n, h.Total())
		}
	}
	return m.partition.Drop(reasons)
}

// units returns the units as they stand in the partition.
func (m *countedModel) units() []AnalysedUnit {
	units := make([]AnalysedUnit, len(m.partition.Units))
	for i, u := range m.partition.Units {
		units[i] = AnalysedUnit{Name: u.Name, Histogram: &codebook.Histogram{}}
		for _, t := range u.Tensors {
			units[i].Tensors = append(units[i].Tensors, t.Name)
			units[i].Histogram.Add(m.tensors[t.Name])
		}
	}
	return units
}

// choose gives the units the code books of a scheme, and dissolves units that are no smaller coded than raw. First
// it gives each unit a book of its own, the best for it. The units that gain with it are the candidates, and own
// is what they cost. They are returned without these books, unless they are the scheme's. chosen is parallel to
// the units of the partition.
func (m *countedModel) choose(scheme codebook.Scheme) (candidates, chosen []AnalysedUnit, own *price, err error) {
	candidates, err = m.settle(ownBooks, m.units())
	if err != nil {
		return nil, nil, nil, err
	}
	own = priceOf(candidates)
	if scheme.Name() == ownBooks.Name() {
		return candidates, candidates, own, nil
	}
	for i := range candidates {
		candidates[i].Book = nil // a book takes more memory than all else that is known of a unit
	}
	chosen, err = m.settle(scheme, candidates)
	return candidates, chosen, own, err
}

// settle calls the function settle. It drops the units that are left out from the partition.
func (m *countedModel) settle(scheme codebook.Scheme, units []AnalysedUnit) ([]AnalysedUnit, error) {
	settled, lost, err := settle(scheme, units)
	if err != nil {
		return nil, err
	}
	reasons := map[string]string{}
	for _, u := range m.partition.Units {
		if reason, ok := lost[u.Name]; ok {
			for _, t := range u.Tensors {
				reasons[t.Name] = reason
			}
		}
	}
	return settled, m.partition.Drop(reasons)
}

// spanBytes is the most that a span holds: a sum block of a tensor. So much stays in the second-level cache
// between counting and summing.
const spanBytes = model.SumBlock

// A span is a part of a file: of one tensor, or of what is not counted.
type span struct {
	bytes  []byte
	counts *codebook.Histogram // the counts of its tensor, nil where nothing is counted
	file   *summed             // nil where no sum is computed
	index  int                 // of the span in its file
	tensor *model.TensorSummer // nil where no sum is taken
	block  int                 // the number of its sum block in the tensor
}

// survey goes over spans once, several at a time. It counts the exponents of each span, and then adds the span to
// the sums of its tensor and its file.
func survey(ctx context.Context, spans []span, p Progress) error {
	var adding sync.Mutex // guards all counts
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(goruntime.GOMAXPROCS(0))
	for _, s := range spans {
		side(group, func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if s.counts != nil {
				h := encode.Histogram([][]byte{s.bytes}, 1)
				adding.Lock()
				s.counts.Add(&h)
				adding.Unlock()
			}
			if s.tensor != nil {
				s.tensor.Add(s.block, s.bytes)
			}
			if s.file != nil {
				s.file.add(s.index, s.bytes)
			}
			p.Advance(int64(len(s.bytes)))
			return nil
		})
	}
	return group.Wait()
}

// cut cuts data into spans like the given one, and appends them.
func cut(spans []span, data []byte, like span) []span {
	for block := 0; len(data) > 0; block++ {
		s := like
		s.bytes, s.block = data[:min(len(data), spanBytes)], block
		if s.file != nil {
			s.index = s.file.expect()
		}
		spans = append(spans, s)
		data = data[len(s.bytes):]
	}
	return spans
}

// A summed is a file whose sum is computed from spans that arrive in almost any order. A goroutine whose span
// arrives before its turn puts it into early and goes on. The goroutine with the span whose turn it is adds that
// span, and then the spans in early that follow it.
type summed struct {
	mu    sync.Mutex
	early [][]byte // by span: the spans that arrived before their turn
	next  int      // the span whose turn it is
	busy  bool     // a goroutine is adding spans: it owns sum
	sum   model.Summer
}

// expect makes room for one more span and returns its index.
func (f *summed) expect() int {
	f.early = append(f.early, nil)
	return len(f.early) - 1
}

// add takes in span i, which must not be empty.
func (f *summed) add(i int, data []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.early[i] = data
	if f.busy {
		return
	}
	f.busy = true
	for ; f.next < len(f.early) && f.early[f.next] != nil; f.next++ {
		f.write(f.early[f.next])
	}
	f.busy = false
}

// write adds data to the sum. It does not hold the lock meanwhile.
func (f *summed) write(data []byte) {
	f.mu.Unlock()
	defer f.mu.Lock()
	_, _ = f.sum.Write(data) // never fails
}
