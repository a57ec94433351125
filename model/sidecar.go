package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/zeebo/xxh3"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/jsonedit"
	"github.com/seed54244801/bespoke/internal/regular"
)

// SidecarName is the file in a container that says how to restore the original files.
const SidecarName = "bespoke.json"

// maxSidecar bounds the size of a sidecar: the headers of all shards, and then some.
const maxSidecar = 1 << 30

// sidecarVersion is the version of the sidecar that is written and read.
const sidecarVersion = 3

// Sidecar keeps what the other files of a container have no place for: which files the model had, and how to restore them byte for byte. The
// published loader ignores it.
type Sidecar struct {
	Version int `json:"version"`
	// Codec is how the units are coded. It is omitted for DF11.
	Codec Codec `json:"codec,omitempty"`
	// Scheme names how the code books were chosen, or the form of the symbols of rANS.
	Scheme string `json:"scheme"`
	// Index says how the streams are indexed. It is omitted for the index of DF11.
	Index codebook.Index `json:"index,omitempty"`
	Units []SidecarUnit  `json:"units"`
	// Files lists the original files by path.
	Files []SidecarFile `json:"files"`
	// Sums holds the sum of every tensor that is stored in the container or that a unit decodes to, by name.
	Sums map[string]TensorSum `json:"sums"`
	// XXH128 is the 128-bit XXH3 hash of the text of the sidecar itself, with zeros in place of these 32 digits.
	// Marshal sets it.
	XXH128 TensorSum `json:"xxh128"`
}

// SidecarUnit describes a coded unit.
type SidecarUnit struct {
	Name string `json:"name"`
	// Book is the fingerprint of the code book of a unit coded with DF11.
	Book string `json:"book,omitempty"`
	// File is the name of the file that holds the unit.
	File string `json:"file"`
}

// FileKind says how an original file is restored.
type FileKind string

// The kinds of files.
const (
	// Copied: the file lies unchanged in the DF11 folder, at StoredPath.
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
	// Mode holds the permission bits, in octal digits.
	Mode FileMode `json:"mode"`
	Kind FileKind `json:"kind"`
	// Text is the content of an Inline file.
	Text string `json:"text,omitempty"`
	// Header is the header text of a Safetensors file, padding included.
	Header string `json:"header,omitempty"`

	header *Header // Header parsed
}

// storedFolder holds the copies of files that must not lie at their own place in a DF11 folder.
const storedFolder = "original"

// journalName is the name of a file that package atomicfile keeps in a folder that is not finished yet.
const journalName = ".bespoke-journal"

// StoredPath returns the path of a Copied file within the DF11 folder. It is the file's own path, unless the file
// would be taken for something else there.
func (f *SidecarFile) StoredPath() string {
	// Only the first part counts, because a folder may not have such a name either. It is compared in lower case,
	// because some file systems ignore case.
	top, _, _ := strings.Cut(strings.ToLower(f.Path), "/")
	if strings.HasSuffix(top, Extension) || IsWeightMap(f.Path) || slices.Contains([]string{ConfigName, SidecarName, storedFolder, journalName}, top) {
		return storedFolder + "/" + f.Path
	}
	return f.Path
}

// MayInline reports whether the sidecar keeps the text of a file that holds no weights.
func MayInline(path string) bool { return path == ConfigName || IsWeightMap(path) }

// A FileMode holds the permission bits of a file. Its text has four octal digits.
type FileMode fs.FileMode

// MarshalText returns the bits in octal digits.
func (m FileMode) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%04o", uint32(m)), nil
}

// UnmarshalText reads what MarshalText writes.
func (m *FileMode) UnmarshalText(text []byte) error {
	bits, err := strconv.ParseUint(string(text), 8, 32)
	if err != nil || len(text) != 4 || bits > 0o777 {
		return fmt.Errorf("mode %.40q is not 4 octal digits up to 0777", text)
	}
	*m = FileMode(bits)
	return nil
}

// Tensors returns the tensors of a Safetensors file: their names, dtypes and shapes in the order of
// their bytes. They have no bytes. It is nil before Check or ParseHeader.
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
	if !utf8.Valid(text) {
		return nil, fmt.Errorf("not valid UTF-8 at byte %d", invalidUTF8(text))
	}
	if version.Version != sidecarVersion {
		return nil, fmt.Errorf("version %d, only version %d is supported", version.Version, sidecarVersion)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	var fields struct {
		Sidecar
		Files []struct {
			SidecarFile
			Mode *FileMode `json:"mode"` // without one a file would come back without permissions
		} `json:"files"`
	}
	if err := dec.Decode(&fields); err != nil {
		return nil, jsonedit.Explain(err)
	}
	if dec.More() {
		return nil, fmt.Errorf("text after the end")
	}
	s := &fields.Sidecar
	for i := range fields.Files {
		f := &fields.Files[i]
		if f.Mode == nil {
			return nil, fmt.Errorf("file %q has no mode", f.Path)
		}
		f.SidecarFile.Mode = *f.Mode
		s.Files = append(s.Files, f.SidecarFile)
	}
	if err := s.checkSum(text); err != nil {
		return nil, err
	}
	if err := s.Check(); err != nil {
		return nil, err
	}
	return s, nil
}

// sumPlace returns where the sum stands in the text of a sidecar. The sum is the last member. If it is not,
// sumPlace returns -1.
func sumPlace(text []byte) int {
	const before, after = `"xxh128": "`, "\"\n}\n"
	i := len(text) - len(after) - len(TensorSum{}.String())
	if i < len(before) || string(text[i-len(before):i]) != before || !bytes.HasSuffix(text, []byte(after)) {
		return -1
	}
	return i
}

// checkSum compares the text of the sidecar with its sum.
func (s *Sidecar) checkSum(text []byte) error {
	i := sumPlace(text)
	if i < 0 {
		return fmt.Errorf("the text was changed since it was written: its last member is no sum")
	}
	text = bytes.Clone(text)
	copy(text[i:], TensorSum{}.String())
	if have := TensorSum(xxh3.Hash128(text).Bytes()); have != s.XXH128 {
		return fmt.Errorf("the text was changed since it was written: xxh128 %v, must be %v", have, s.XXH128)
	}
	return nil
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
	s.Version, s.XXH128 = sidecarVersion, TensorSum{}
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
	s.XXH128 = xxh3.Hash128(text.Bytes()).Bytes()
	copy(text.Bytes()[sumPlace(text.Bytes()):], s.XXH128.String())
	return text.Bytes(), nil
}
