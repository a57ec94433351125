package checkpoint

import (
	"maps"
	"sync"

	"github.com/seed54244801/bespoke/model"
)

// containerSums collects the sums of what a container is made of while it is written.
type containerSums struct {
	mu     sync.Mutex
	stored map[string]model.TensorSum // of the tensors stored, by name

	// Of the files beside those of tensors, by path.
	beside map[string]model.FileSum

	// What the metadata of each file tell, nil where they must stay as the published encoder leaves them.
	files *model.Sums
}

// fileSums returns the sums of a file with these entries, which have their bytes at hand, and with units that decode to
// these weights. It notes those of the entries.
func (s *containerSums) fileSums(entries []model.Entry, weights map[string]model.TensorSum) map[string]model.TensorSum {
	sums := maps.Clone(weights)
	for i := range entries {
		sums[entries[i].Name] = model.SumTensor(entries[i].Data)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stored == nil {
		s.stored = map[string]model.TensorSum{}
	}
	for i := range entries {
		s.stored[entries[i].Name] = sums[entries[i].Name]
	}
	return sums
}

// metadata returns the metadata of a file with these sums, of its tensors and of other files, given what else is in it.
func (s *containerSums) metadata(plain map[string]string, sums map[string]model.TensorSum, beside map[string]model.FileSum) map[string]string {
	if s.files == nil {
		return plain
	}
	file := *s.files
	file.Tensors, file.Beside = sums, beside
	all := file.Metadata(plain)
	if all["format"] == "" {
		all["format"] = "pt" // some loaders refuse metadata without it
	}
	return all
}

// all returns the sums of the tensors stored and of those that they decode to.
func (s *containerSums) all(tensors map[string]model.TensorSum) map[string]model.TensorSum {
	all := maps.Clone(tensors)
	maps.Copy(all, s.stored)
	return all
}
