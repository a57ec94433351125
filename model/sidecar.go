package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/jsonedit"
	"github.com/seed54244801/bespoke/internal/regular"
)

// SidecarName is the file beside a DF11 checkpoint that says how to restore the original files.
const SidecarName = "bespoke.json"

// maxSidecar bounds the size of a sidecar: the headers of all shards, and then some.
const maxSidecar = 1 << 30

// sidecarVersion is the version of the sidecar that is written and read.
const sidecarVersion = 2

// Sidecar keeps what DF11 has no place for: the original files and how to restore them byte for
// byte. The published loader ignores it.
type Sidecar struct {
	Version int `json:"version"`
	// Scheme names how the code books were chosen.
	Scheme string `json:"scheme"`
	// Index says how the streams are indexed. That of DF11 goes without saying.
	Index codebook.Index `json:"index,omitempty"`
	Units []SidecarUnit  `json:"units"`
	// Files lists the original files by path.
	Files []SidecarFile `json:"files"`
}

// SidecarUnit describes a coded unit.
type SidecarUnit struct {
	Name string `json:"name"`
	// Book is the fingerprint of the unit's code book.
	Book string `json:"book"`
}

// FileKind says how an original file is restored.
type FileKind string

// The kinds of files.
const (
	// Copied: the file lies unchanged in the DF11 folder, at Stored.
	Copied FileKind = "copied"
	// Inline: Text is the file's content.
	Inline FileKind = "inline"
	// Safetensors: Header is the file's header, its tensors are those of that name, decoded or raw.
	Safetensors FileKind = "safetensors"
)

// SidecarFile is one original file.
type SidecarFile struct {
	// Path is relative to the model's folder, slash-separated.
	Path string `json:"path"`
	FileSum
	Kind FileKind `json:"kind"`
	// Stored is the path within the DF11 folder of a Copied file, "" when it is Path.
	Stored string `json:"stored,omitempty"`
	// Text is the content of an Inline file.
	Text string `json:"text,omitempty"`
	// Header is the header text of a Safetensors file, padding included.
	Header string `json:"header,omitempty"`

	header *Header // Header parsed
}

// StoredPath returns the path of a Copied file within the DF11 folder.
func (f *SidecarFile) StoredPath() string {
	if f.Stored != "" {
		return f.Stored
	}
	return f.Path
}

// Tensors returns the tensors of a Safetensors file: their names, dtypes and shapes in the order of
// their bytes. They have no bytes. It is nil for a sidecar that Check has not passed.
func (f *SidecarFile) Tensors() []*Tensor {
	if f.header == nil {
		return nil
	}
	return f.header.Tensors
}

// ParseSidecar parses and checks the text of a bespoke.json.
func ParseSidecar(text []byte) (*Sidecar, error) {
	var version struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(text, &version); err != nil {
		return nil, jsonedit.Explain(err)
	}
	if version.Version != sidecarVersion {
		return nil, fmt.Errorf("version %d, only version %d is supported", version.Version, sidecarVersion)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	s := &Sidecar{}
	if err := dec.Decode(s); err != nil {
		return nil, jsonedit.Explain(err)
	}
	if err := s.Check(); err != nil {
		return nil, err
	}
	return s, nil
}

// findSidecar reads the sidecar of a folder, if there is one.
func findSidecar(dir string) (*Sidecar, error) {
	path := filepath.Join(dir, SidecarName)
	text, err := regular.Read(path, maxSidecar)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", path, pathless(err))
	}
	s, err := ParseSidecar(text)
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", path, err)
	}
	return s, nil
}

// Marshal returns the text of the sidecar after checking it.
func (s *Sidecar) Marshal() ([]byte, error) {
	s.Version = sidecarVersion
	if err := s.Check(); err != nil {
		return nil, fmt.Errorf("model: %s: %w", SidecarName, err)
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(s); err != nil {
		return nil, fmt.Errorf("model: %s: %w", SidecarName, err)
	}
	if text.Len() > maxSidecar {
		return nil, fmt.Errorf("model: %s: %d bytes, max %d", SidecarName, text.Len(), maxSidecar)
	}
	return text.Bytes(), nil
}
