package model

import (
	"encoding/json"
	"fmt"

	"github.com/seed54244801/bespoke/internal/jsonedit"
)

const (
	// RANSKey is the name of the entry of config.json that describes a checkpoint coded with rANS.
	RANSKey = "bespoke_rans"
	// RANSVersion is the version of the format that is written and read.
	RANSVersion = 1
	// RANSFormat is the format that the metadata of its safetensors files name. Loaders that know nothing of it refuse
	// files of a format that they do not know, instead of filling in weights that they do not find.
	RANSFormat = "bespoke-rans"
)

// RANSConfig is the entry bespoke_rans of a config.json.
type RANSConfig struct {
	Version int `json:"version"`
}

// parseRANSConfig parses the value of bespoke_rans. It refuses other versions.
func parseRANSConfig(text []byte) (*RANSConfig, error) {
	c := new(RANSConfig)
	if err := json.Unmarshal(text, c); err != nil {
		return nil, jsonedit.Explain(err)
	}
	if c.Version != RANSVersion {
		return nil, fmt.Errorf("version %d, only version %d is supported", c.Version, RANSVersion)
	}
	return c, nil
}

// InsertInto is [DF11Config.InsertInto] for bespoke_rans.
func (c *RANSConfig) InsertInto(config []byte) ([]byte, error) { return insertInto(config, RANSKey, c) }

// codecKey returns the name of the entry that says how the checkpoint is coded, "" if it is not.
func (c *Config) codecKey() string {
	switch {
	case c.DF11 != nil:
		return DF11Key
	case c.RANS != nil:
		return RANSKey
	}
	return ""
}

// Codec returns how config.json says that the checkpoint is coded, "" if it does not.
func (c *Config) Codec() Codec {
	switch {
	case c.DF11 != nil:
		return DF11
	case c.RANS != nil:
		return RANS
	}
	return ""
}
