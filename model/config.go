package model

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/jsonedit"
	"github.com/seed54244801/bespoke/internal/regular"
)

// ConfigName is the file name of a model's configuration.
const ConfigName = "config.json"

// Config is what the package needs to know of a model's config.json. A field is zero if the file lacks it or gives
// it an unusual type. Only dfloat11_config and
// bespoke_rans are read strictly.
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
	// Sizes holds every non-negative integer by its name. It also has those of a nested text_config, if the outer
	// level has none of that name.
	Sizes map[string]uint64
	// DF11 is dfloat11_config, nil when absent.
	DF11 *DF11Config
	// RANS is bespoke_rans, nil when absent.
	RANS *RANSConfig
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
	if coded, ok := fields[RANSKey]; ok {
		var err error
		if c.RANS, err = parseRANSConfig(coded); err != nil {
			return nil, fmt.Errorf("%s: %w", RANSKey, err)
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

// readSmall reads a file. A file that is larger than any JSON text the package takes is an error.
func readSmall(path string) ([]byte, error) {
	raw, err := regular.Read(path, maxJSON)
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", path, pathless(err))
	}
	return raw, nil
}

const (
	// DF11Key is the name of the entry of config.json that describes a DF11 checkpoint.
	DF11Key = "dfloat11_config"
	// DF11Version is the version of the format that is written.
	DF11Version = "0.5.0"

	threadsPerBlock = codebook.ChunkWindows
	bytesPerThread  = codebook.WindowBytes
)

// df11Versions lists the versions whose safetensors layout is the one this package reads.
var df11Versions = []string{"0.2", "0.3", "0.4", "0.5"}

// DF11Config is the entry dfloat11_config of a config.json.
type DF11Config struct {
	Version         string   `json:"version"`
	ThreadsPerBlock []uint64 `json:"threads_per_block"`
	BytesPerThread  uint64   `json:"bytes_per_thread"`
	Patterns        Patterns `json:"pattern_dict"`
}

// NewDF11Config returns the configuration of a checkpoint written with these patterns.
func NewDF11Config(p Patterns) *DF11Config {
	return &DF11Config{
		Version:         DF11Version,
		ThreadsPerBlock: []uint64{threadsPerBlock},
		BytesPerThread:  bytesPerThread,
		Patterns:        p,
	}
}

// ParseDF11Config parses the value of dfloat11_config. It refuses what the decoders cannot handle: other versions,
// and other sizes than 512 threads of 8 bytes.
func ParseDF11Config(text []byte) (*DF11Config, error) {
	var fields struct {
		Version string          `json:"version"`
		Threads json.RawMessage `json:"threads_per_block"`
		Bytes   *uint64         `json:"bytes_per_thread"`
		Dict    json.RawMessage `json:"pattern_dict"`
	}
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, jsonedit.Explain(err)
	}
	if fields.Threads == nil || fields.Bytes == nil || fields.Dict == nil {
		return nil, fmt.Errorf("threads_per_block, bytes_per_thread or pattern_dict is missing")
	}
	if !knownVersion(fields.Version) {
		return nil, fmt.Errorf("version %q, versions %s are supported", fields.Version, strings.Join(df11Versions, ", "))
	}
	c := &DF11Config{Version: fields.Version, BytesPerThread: *fields.Bytes}
	var one uint64
	if json.Unmarshal(fields.Threads, &one) == nil {
		c.ThreadsPerBlock = []uint64{one}
	} else if err := json.Unmarshal(fields.Threads, &c.ThreadsPerBlock); err != nil {
		return nil, fmt.Errorf("threads_per_block: %w", jsonedit.Explain(err))
	}
	if len(c.ThreadsPerBlock) != 1 || c.ThreadsPerBlock[0] != threadsPerBlock || c.BytesPerThread != bytesPerThread {
		return nil, fmt.Errorf("threads_per_block %v, bytes_per_thread %d: only [%d] and %d are supported",
			c.ThreadsPerBlock, c.BytesPerThread, threadsPerBlock, bytesPerThread)
	}
	var err error
	if c.Patterns, err = parsePatterns(fields.Dict); err != nil {
		return nil, fmt.Errorf("pattern_dict: %w", err)
	}
	return c, nil
}

// knownVersion reports whether version is one of df11Versions or a patch of one.
func knownVersion(version string) bool {
	for _, known := range df11Versions {
		if version == known || strings.HasPrefix(version, known+".") {
			return true
		}
	}
	return false
}

// InsertInto returns the text of a config.json with dfloat11_config added as its last entry. The
// rest of the text stays as it is. An empty text stands for a checkpoint without config.json.
func (c *DF11Config) InsertInto(config []byte) ([]byte, error) { return insertInto(config, DF11Key, c) }
