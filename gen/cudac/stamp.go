package cudac

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"regexp"
)

var (
	comment = regexp.MustCompile(`[ \t]*//.*`)
	// nvcc names what is internal to a file after a hash of the path it was given.
	internalName = regexp.MustCompile(`_INTERNAL_[0-9a-f]{8}_`)
)

// normalise takes out what differs between two runs, and the comments.
func normalise(ptx []byte) []byte {
	var out bytes.Buffer
	for line := range bytes.Lines(ptx) {
		line = bytes.TrimRight(comment.ReplaceAll(line, nil), " \t\r\n")
		if len(line) > 0 {
			out.Write(internalName.ReplaceAll(line, []byte("_INTERNAL_")))
			out.WriteByte('\n')
		}
	}
	return out.Bytes()
}

// stamp puts two lines before the PTX: the source's own header and where the PTX comes from.
func stamp(header []byte, version string, source, ptx []byte) []byte {
	return fmt.Appendf(nil, "%s\n// Compiled by %s from source sha256:%x.\n\n%s", header, version, sha256.Sum256(source), ptx)
}

var stampLine = regexp.MustCompile(`^//[^\n]*\n// Compiled by ([^\n]+) from source (sha256:[0-9a-f]{64})\.\n`)

// SourceHash returns the SHA-256 of the source that the PTX was compiled from, as "sha256:" and 64
// hexadecimal digits, and whether the PTX says so.
func SourceHash(ptx []byte) (string, bool) {
	m := stampLine.FindSubmatch(ptx)
	if m == nil {
		return "", false
	}
	return string(m[2]), true
}

// CompilerOf returns name and version of the compiler that made the PTX, and whether the PTX says so.
func CompilerOf(ptx []byte) (string, bool) {
	m := stampLine.FindSubmatch(ptx)
	if m == nil {
		return "", false
	}
	return string(m[1]), true
}
