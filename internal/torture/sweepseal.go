package torture

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/seed54244801/bespoke/model"
)

// This file makes sums right with code of its own, not with that of package model.

// splitSafetensors returns the header of a file and what follows it.
func splitSafetensors(content []byte) (header, data []byte, err error) {
	if len(content) < 8 {
		return nil, nil, fmt.Errorf("%d bytes are no safetensors file", len(content))
	}
	n := binary.LittleEndian.Uint64(content)
	if n > uint64(len(content)-8) {
		return nil, nil, fmt.Errorf("header of %d bytes in a file of %d", n, len(content))
	}
	return content[8 : 8+n], content[8+n:], nil
}

// joinSafetensors is the reverse of splitSafetensors.
func joinSafetensors(header, data []byte) []byte {
	content := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(content, header...), data...)
}

// sealAt computes the sum of a text and writes it into the text, behind the last occurrence of before.
func sealAt(text []byte, before string) []byte {
	zeros := strings.Repeat("0", 32)
	i := bytes.LastIndex(text, []byte(before)) + len(before)
	if i < len(before) || len(text) < i+len(zeros) {
		return text
	}
	text = bytes.Clone(text)
	copy(text[i:], zeros)
	sum := xxh3.Hash128(text).Bytes()
	copy(text[i:], hex.EncodeToString(sum[:]))
	return text
}

// sealHeader makes the sum of a safetensors header right.
func sealHeader(header []byte) []byte { return sealAt(header, `"bespoke.header":"`) }

// sealSidecar makes the sum of a sidecar right.
func sealSidecar(text []byte) []byte { return sealAt(text, `"xxh128": "`) }

// replaceSums writes sums of tensors into a JSON text. The names of the tensors have the prefix there.
func replaceSums(text []byte, prefix string, sums map[string]model.TensorSum) []byte {
	text = bytes.Clone(text)
	for name, sum := range sums {
		for _, colon := range []string{`":"`, `": "`} {
			key := []byte(`"` + prefix + name + colon)
			if i := bytes.Index(text, key); i >= 0 {
				copy(text[i+len(key):], sum.String())
			}
		}
	}
	return text
}

// withSums writes sums of tensors into the metadata of a safetensors file.
func withSums(content []byte, sums map[string]model.TensorSum) []byte {
	header, data, err := splitSafetensors(content)
	if err != nil {
		return content
	}
	return joinSafetensors(sealHeader(replaceSums(header, "bespoke.xxh128.", sums)), data)
}

// appendTensor adds a tensor, with its sum, behind the others of a sound file.
func appendTensor(content []byte, x sweepTensor) []byte {
	header, data, err := splitSafetensors(content)
	if err != nil {
		return content
	}
	entry, err := json.Marshal(map[string]any{"dtype": x.dtype, "shape": x.shape, "data_offsets": []int{len(data), len(data) + len(x.data)}})
	if err != nil {
		return content
	}
	text := strings.TrimRight(string(header), " ")
	text = strings.TrimSuffix(text, "}") + fmt.Sprintf(",%q:%s}", x.name, entry)
	text = strings.Replace(text, `"bespoke.header":`, fmt.Sprintf(`"bespoke.xxh128.%s":"%v","bespoke.header":`, x.name, model.SumTensor(x.data)), 1)
	return joinSafetensors(sealHeader([]byte(text)), append(bytes.Clone(data), x.data...))
}
