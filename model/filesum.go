package model

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/zeebo/xxh3"
)

// A FileSum tells the content of a file from any other that comes about by accident. It does not withstand
// one that is made to have the same sum.
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

// check holds the sum to its form.
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

// A Summer takes the sum of what is written to it. The zero value is ready for use.
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
