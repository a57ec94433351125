package checkpoint

import (
	"errors"

	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime"
)

// openDF11 opens a DF11 checkpoint as the files that it consists of and as the weights that they decode
// to; closing the latter closes both. Patterns name the tensors of units where no config.json does;
// nil otherwise.
func openDF11(path string, patterns model.Patterns, opts []runtime.Option) (*model.DF11, *runtime.Model, error) {
	d, err := model.OpenDF11Patterns(path, patterns)
	if err != nil {
		return nil, nil, err
	}
	m, err := runtime.New(d, opts...)
	if err != nil {
		return nil, nil, errors.Join(err, d.Close())
	}
	return d, m, nil
}
