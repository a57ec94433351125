package model

import (
	"encoding/json"
	"fmt"

	"github.com/seed54244801/bespoke/internal/jsonedit"
	"github.com/seed54244801/bespoke/internal/regular"
)

// ConfigName is the file name of a model's configuration.
const ConfigName = "config.json"

// Config is what the package needs to know of a model's config.json. A field that the file lacks,
// or gives another type than usual, is left at zero: only dfloat11_config is read strictly.
type Config struct {
	// Raw is the text of the file.
	Raw []byte
	// Architectures and ModelType name the model class.
	Architectures []string
	ModelType     string
	// ClassName is the model class in the config.json of the diffusers library.
	ClassName string
	// Tied is tie_word_embeddings, nil when absent.
	Tied *bool
	// Sizes holds every non-negative integer by its name, those of a nested text_config too where
	// the outer level has none of that name.
	Sizes map[string]uint64
	// DF11 is dfloat11_config, nil when absent.
	DF11 *DF11Config
}

// ReadConfig reads a config.json.
func ReadConfig(path string) (*Config, error) {
	raw, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	c, err := ParseConfig(raw)
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", path, err)
	}
	return c, nil
}

// ParseConfig parses the text of a config.json.
func ParseConfig(raw []byte) (*Config, error) {
	c := &Config{Raw: raw, Sizes: map[string]uint64{}}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(jsonedit.Standard(raw), &fields); err != nil {
		return nil, jsonedit.Explain(err)
	}
	lenient(fields["architectures"], &c.Architectures)
	lenient(fields["model_type"], &c.ModelType)
	lenient(fields["_class_name"], &c.ClassName)
	lenient(fields["tie_word_embeddings"], &c.Tied)
	c.addSizes(fields)
	var text map[string]json.RawMessage
	if lenient(fields["text_config"], &text) {
		c.addSizes(text)
		if c.Tied == nil {
			lenient(text["tie_word_embeddings"], &c.Tied)
		}
	}
	if df11, ok := fields[DF11Key]; ok {
		var err error
		if c.DF11, err = ParseDF11Config(df11); err != nil {
			return nil, fmt.Errorf("%s: %w", DF11Key, err)
		}
	}
	return c, nil
}

// addSizes collects the integers among fields.
func (c *Config) addSizes(fields map[string]json.RawMessage) {
	for name, raw := range fields {
		var v *uint64
		if _, ok := c.Sizes[name]; !ok && lenient(raw, &v) && v != nil {
			c.Sizes[name] = *v
		}
	}
}

// lenient decodes raw into v and reports whether it is there and fits.
func lenient[T any](raw json.RawMessage, v *T) bool {
	if raw == nil {
		return false
	}
	var value T
	if json.Unmarshal(raw, &value) != nil {
		return false
	}
	*v = value
	return true
}

// readSmall reads a file that is no larger than any JSON text the package takes.
func readSmall(path string) ([]byte, error) {
	raw, err := regular.Read(path, maxJSON)
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", path, pathless(err))
	}
	return raw, nil
}
