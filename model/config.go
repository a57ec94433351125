package model

import (
	"bytes"
	"encoding/json"
	"fmt"

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
	if err := json.Unmarshal(standardJSON(raw), &fields); err != nil {
		return nil, err
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
	if df11, ok := fields[df11Key]; ok {
		var err error
		if c.DF11, err = ParseDF11Config(df11); err != nil {
			return nil, fmt.Errorf("%s: %w", df11Key, err)
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

// standardJSON replaces the tokens NaN, Infinity and -Infinity, which Python writes into
// configurations, by null, so that the standard decoder takes the text.
func standardJSON(raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	inString := false
	for i := 0; i < len(raw); i++ {
		if !inString {
			if n := pythonNumber(raw[i:]); n > 0 {
				out = append(out, "null"...)
				i += n - 1
				continue
			}
		}
		out = append(out, raw[i])
		switch {
		case inString && raw[i] == '\\' && i+1 < len(raw):
			i++
			out = append(out, raw[i])
		case raw[i] == '"':
			inString = !inString
		}
	}
	return out
}

// pythonNumber returns the length of the token at the start of text that Python writes for a number
// JSON does not have, or 0.
func pythonNumber(text []byte) int {
	for _, token := range []string{"NaN", "Infinity", "-Infinity"} {
		if bytes.HasPrefix(text, []byte(token)) {
			return len(token)
		}
	}
	return 0
}

// readSmall reads a file that is no larger than any JSON text the package takes.
func readSmall(path string) ([]byte, error) {
	raw, err := regular.Read(path, maxJSON)
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", path, pathless(err))
	}
	return raw, nil
}
