package checkpoint

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed54244801/bespoke/model"
)

// kindOf says what lies at path, without looking further than the headers.
func kindOf(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("checkpoint: %w", err)
	}
	if !info.IsDir() {
		switch {
		case strings.HasSuffix(path, model.WeightMapExtension):
			return KindModel, nil
		case strings.HasSuffix(path, ".json"):
			return KindHistogram, nil
		}
		return kindOfFiles(path)
	}
	config, err := model.ReadConfig(filepath.Join(path, model.ConfigName))
	if err == nil && config.DF11 != nil {
		return KindDF11, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return "", fmt.Errorf("checkpoint: %w", err)
	}
	var files []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), model.Extension) {
			files = append(files, filepath.Join(path, e.Name()))
		}
	}
	return kindOfFiles(files...)
}

// openModel opens the model at path, which must not be compressed.
func openModel(path string, opts model.OpenOptions) (*model.Checkpoint, error) {
	switch kind, err := kindOf(path); {
	case err != nil:
		return nil, err
	case kind == KindDF11:
		return nil, fmt.Errorf("checkpoint: %s is compressed already", path)
	case kind != KindModel:
		return nil, fmt.Errorf("checkpoint: %s is a JSON file, not a model", path)
	}
	return model.OpenWith(path, opts)
}

// kindOfFiles returns KindDF11 if one of the safetensors files holds a coded unit. A file that cannot be
// read counts as a model's: opening it says what is wrong.
func kindOfFiles(paths ...string) (string, error) {
	for _, path := range paths {
		f, err := model.OpenFile(path)
		if err != nil {
			return KindModel, nil
		}
		for _, t := range f.Tensors {
			if strings.HasSuffix(t.Name, ".encoded_exponent") {
				return KindDF11, f.Close()
			}
		}
		if err := f.Close(); err != nil {
			return "", err
		}
	}
	return KindModel, nil
}
