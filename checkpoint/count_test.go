package checkpoint

import (
	"math/rand/v2"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
)

// TestSurvey goes over two files of several spans: the counts and sums must be those of the whole.
func TestSurvey(t *testing.T) {
	random := rand.NewChaCha8([32]byte{1})
	var contents [2][]byte
	var counts [2]codebook.Histogram
	var files [2]summed
	var tensors [2]*model.TensorSummer
	var spans []span
	for i := range contents {
		contents[i] = make([]byte, (9-i)*spanBytes+100)
		_, _ = random.Read(contents[i])
		tensors[i] = model.NewTensorSummer(uint64(len(contents[i]) - 100))
		spans = cut(spans, contents[i][:100], span{file: &files[i]})
		spans = cut(spans, contents[i][100:], span{counts: &counts[i], file: &files[i], tensor: tensors[i]})
	}
	if err := survey(t.Context(), spans, silent{}); err != nil {
		t.Fatal(err)
	}
	for i, content := range contents {
		var want codebook.Histogram
		want.CountBytes(content[100:])
		if counts[i] != want {
			t.Errorf("file %d: counts %v, want %v", i, counts[i], want)
		}
		if got, want := files[i].sum.Sum(), model.SumOf(content); got != want {
			t.Errorf("file %d: %v, want %v", i, got, want)
		}
		if got, want := tensors[i].Sum(), model.SumTensor(content[100:]); got != want {
			t.Errorf("tensor %d: %v, want %v", i, got, want)
		}
	}
}

// TestSummedOrder brings spans in any order.
func TestSummedOrder(t *testing.T) {
	for range 20 {
		var file summed
		spans := cut(nil, make([]byte, 5*spanBytes+1), span{file: &file})
		for i := range spans {
			spans[i].bytes[0] = byte(i + 1)
		}
		for _, i := range rand.Perm(len(spans)) {
			file.add(spans[i].index, spans[i].bytes)
		}
		var want model.Summer
		for _, s := range spans {
			_, _ = want.Write(s.bytes)
		}
		if got, want := file.sum.Sum(), want.Sum(); got != want {
			t.Fatalf("%v, want %v", got, want)
		}
	}
}
