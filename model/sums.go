package model

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/zeebo/xxh3"
)

// Sums shows damage to a file of a container without any other file. It is kept in the file's metadata. One of the
// entries there is the sum of the header, and so of the metadata.
type Sums struct {
	// Model is the same in all files of a container, and differs between models: see ModelSum.
	Model TensorSum
	// Files is the number of safetensors files of the container.
	Files int
	// Tensors holds the sum of every tensor that is stored in the file or that its units decode to, by name.
	Tensors map[string]TensorSum
	// Beside holds the sums of the other files of the container, without the sidecar, by their slash-separated
	// paths. config.json is one of them. Only one file of the container has it.
	Beside map[string]FileSum
}

// The entries of the metadata.
const (
	sumsPrefix = "bespoke."
	sumsHeader = sumsPrefix + "header"  // XXH128 of the header, with zeros in the place of these 32 digits
	sumsModel  = sumsPrefix + "model"   // Sums.Model
	sumsFiles  = sumsPrefix + "files"   // Sums.Files
	sumsTensor = sumsPrefix + "xxh128." // before the name of a tensor
	sumsBeside = sumsPrefix + "file."   // before the path of a file: its size, a colon and its XXH128
)

// ModelSum returns the sum of a whole model: of the names and sums of its tensors, given in any order.
func ModelSum(tensors map[string]TensorSum) TensorSum {
	var all bytes.Buffer
	for _, name := range sortedKeys(tensors) {
		sum := tensors[name]
		fmt.Fprintf(&all, "%q %v\n", name, sum)
	}
	return xxh3.Hash128(all.Bytes()).Bytes()
}

// Metadata returns the metadata of a file: the entries of plain and the sums. It does not change plain.
func (s *Sums) Metadata(plain map[string]string) map[string]string {
	all := PlainMetadata(plain)
	if all == nil {
		all = map[string]string{}
	}
	all[sumsHeader] = TensorSum{}.String() // sealed when the header is written
	all[sumsModel] = s.Model.String()
	all[sumsFiles] = strconv.Itoa(s.Files)
	for name, sum := range s.Tensors {
		all[sumsTensor+name] = sum.String()
	}
	for path, sum := range s.Beside {
		all[sumsBeside+path] = fmt.Sprintf("%d:%s", sum.Size, sum.XXH128)
	}
	return all
}

// PlainMetadata returns a copy of the metadata of a file without the sums, nil if nothing else is there.
func PlainMetadata(all map[string]string) map[string]string {
	plain := maps.Clone(all)
	maps.DeleteFunc(plain, func(key, _ string) bool { return strings.HasPrefix(key, sumsPrefix) })
	if len(plain) == 0 {
		return nil
	}
	return plain
}

// sealAt returns where the sum of a header stands in its text, -1 if it has none. It cannot find the text in a
// string, because quotes in a string are escaped.
func sealAt(text []byte) int {
	key := []byte(`"` + sumsHeader + `":"`)
	i := bytes.Index(text, key)
	if i < 0 || len(text) < i+len(key)+len(TensorSum{}.String()) {
		return -1
	}
	return i + len(key)
}

// seal puts the sum of a header in its place.
func seal(text []byte) {
	if i := sealAt(text); i >= 0 {
		copy(text[i:], TensorSum(xxh3.Hash128(text).Bytes()).String())
	}
}

// checkSeal compares the text of a header with the sum in its metadata.
func checkSeal(text []byte, sum string) error {
	i := sealAt(text)
	if i < 0 || !bytes.HasPrefix(text[i:], []byte(sum)) {
		return fmt.Errorf("%s %.40q is not where it was written", sumsHeader, sum)
	}
	blank := bytes.Clone(text)
	copy(blank[i:], TensorSum{}.String())
	if have := TensorSum(xxh3.Hash128(blank).Bytes()).String(); have != sum {
		return fmt.Errorf("the header was changed since it was written: xxh128 %s, must be %.40q", have, sum)
	}
	return nil
}

// addBeside adds the entry of another file.
func (s *Sums) addBeside(path, value string) error {
	size, hash, _ := strings.Cut(value, ":")
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil {
		return fmt.Errorf("%.80q is no size", size)
	}
	if s.Beside == nil {
		s.Beside = map[string]FileSum{}
	}
	s.Beside[path] = FileSum{n, hash}
	return errors.Join(CheckStoredPath(path), s.Beside[path].check())
}

// parseSums returns the sums in the metadata of a file, nil if there are none. text is that of the header h.
func parseSums(h *Header, text []byte) (*Sums, error) {
	s := &Sums{Tensors: map[string]TensorSum{}}
	ours := 0
	for key, value := range h.Metadata {
		if !strings.HasPrefix(key, sumsPrefix) {
			continue
		}
		ours++
		var err error
		name, isTensor := strings.CutPrefix(key, sumsTensor)
		path, isBeside := strings.CutPrefix(key, sumsBeside)
		switch {
		case isBeside:
			err = s.addBeside(path, value)
		case isTensor:
			var sum TensorSum
			err = sum.UnmarshalText([]byte(value))
			s.Tensors[name] = sum
		case key == sumsModel:
			err = s.Model.UnmarshalText([]byte(value))
		case key == sumsFiles:
			s.Files, err = strconv.Atoi(value)
		case key != sumsHeader:
			err = fmt.Errorf("unknown entry")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %.80q: %w", metadataKey, key, err)
		}
	}
	if ours == 0 {
		return nil, nil
	}
	if err := checkSeal(text, h.Metadata[sumsHeader]); err != nil {
		return nil, err
	}
	for _, t := range h.Tensors {
		if _, ok := s.Tensors[t.Name]; !ok {
			return nil, fmt.Errorf("%s: tensor %q has no sum", metadataKey, t.Name)
		}
	}
	return s, nil
}

// A FileSum differs if the content of a file was changed by accident. Somebody who wants to can make other content
// with the same sum.
type FileSum struct {
	Size int64 `json:"size"`
	// XXH128 is the 128-bit XXH3 hash of the content, as xxh128sum prints it: big-endian, in lower-case
	// hexadecimal.
	XXH128 string `json:"xxh128"`
}

// SumOf returns the sum of a file with the given content.
func SumOf(content []byte) FileSum {
	return newFileSum(int64(len(content)), xxh3.Hash128(content))
}

func newFileSum(size int64, hash xxh3.Uint128) FileSum {
	b := hash.Bytes()
	return FileSum{size, hex.EncodeToString(b[:])}
}

// String returns the sum in words.
func (s FileSum) String() string { return fmt.Sprintf("%d bytes with xxh128 %s", s.Size, s.XXH128) }

// check returns an error if the sum does not have the right form.
func (s FileSum) check() error {
	if s.Size < 0 || !isHex(s.XXH128, 128/8) {
		return fmt.Errorf("size %d or xxh128 %q is malformed", s.Size, s.XXH128)
	}
	return nil
}

// isHex reports whether s is n bytes in lower-case hexadecimal.
func isHex(s string, n int) bool {
	return len(s) == hex.EncodedLen(n) && strings.Trim(s, "0123456789abcdef") == ""
}

// A Summer computes the sum of what is written to it. The zero value is ready for use.
type Summer struct {
	size int64
	hash xxh3.Hasher
}

// Write adds data. It never fails.
func (s *Summer) Write(data []byte) (int, error) {
	s.size += int64(len(data))
	return s.hash.Write(data)
}

// Sum returns the sum of all that was written.
func (s *Summer) Sum() FileSum { return newFileSum(s.size, s.hash.Sum128()) }

// SumBlock is the number of bytes in a sum block: the block of a [TensorSum].
const SumBlock = 512 << 10

// A TensorSum differs if the bytes of a tensor were changed by accident. As with a [FileSum], other bytes can be
// made on purpose that have the same sum.
//
// It is the 128-bit XXH3 hash of hashes, 16 bytes each and big-endian: those of the tensor's sum blocks. A sum
// block has [SumBlock] bytes, and the last one has the rest. So blocks can be hashed in any order, by several
// processors, as they are decoded. In Python, with the package xxhash:
//
//	xxh3_128_digest(b"".join(xxh3_128_digest(data[i:i+524288]) for i in range(0, len(data), 524288)))
type TensorSum [16]byte

// SumTensor returns the sum of a tensor's bytes.
func SumTensor(data []byte) TensorSum {
	s := NewTensorSummer(uint64(len(data)))
	for i := range s.Blocks() {
		s.Add(i, data[i*SumBlock:min(len(data), (i+1)*SumBlock)])
	}
	return s.Sum()
}

// String returns the sum in lower-case hexadecimal.
func (s TensorSum) String() string { return hex.EncodeToString(s[:]) }

// MarshalText returns the sum in lower-case hexadecimal.
func (s TensorSum) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *TensorSum) UnmarshalText(text []byte) error {
	if !isHex(string(text), len(s)) {
		return fmt.Errorf("sum %.40q is not 32 lower-case hexadecimal digits", text)
	}
	_, err := hex.Decode(s[:], text)
	return err
}

// A TensorSummer computes a [TensorSum], sum block by sum block.
type TensorSummer struct {
	size   uint64
	blocks []byte // their hashes
}

// NewTensorSummer returns one for a tensor of size bytes.
func NewTensorSummer(size uint64) *TensorSummer {
	return &TensorSummer{size: size, blocks: make([]byte, len(TensorSum{})*int((size+SumBlock-1)/SumBlock))}
}

// Blocks returns the number of blocks.
func (s *TensorSummer) Blocks() int { return len(s.blocks) / len(TensorSum{}) }

// BlockSize returns the number of bytes in block i.
func (s *TensorSummer) BlockSize(i int) int { return int(min(SumBlock, s.size-uint64(i)*SumBlock)) }

// Add adds all bytes of block i. Different blocks may be added at the same time.
func (s *TensorSummer) Add(i int, data []byte) {
	hash := xxh3.Hash128(data).Bytes()
	copy(s.blocks[i*len(hash):], hash[:])
}

// Sum returns the sum once all blocks were added.
func (s *TensorSummer) Sum() TensorSum { return xxh3.Hash128(s.blocks).Bytes() }
