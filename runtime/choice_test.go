package runtime

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
	"github.com/seed54244801/bespoke/runtime/internal/shapes"
	"github.com/seed54244801/bespoke/runtime/kernel"
)

func TestChoose(t *testing.T) {
	best := Available()[slices.IndexFunc(Available(), func(d DecoderInfo) bool { return d.Available })].Name
	for _, tc := range []struct {
		name, option, env string
		want, reason      string
	}{
		{"nothing said", Auto, "", best, ""},
		{"auto said twice", Auto, Auto, best, ""},
		{"environment", Auto, Generic, Generic, "forced by BESPOKE_DECODER"},
		{"option", Generic, "", Generic, "forced by option"},
		{"option over environment", Generic, CUDA, Generic, "forced by option"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Setenv(DecoderEnv, tc.env)
			o, err := newOptions([]Option{WithDecoder(tc.option)})
			if err != nil {
				t.Fatal(err)
			}
			got, err := choose(o)
			if err != nil || got.Name != tc.want || !strings.Contains(got.Reason, tc.reason) || got.Reason == "" != (got.Name == CUDA) {
				t.Errorf("chose %v, error %v", got, err)
			}
		})
	}
	refused := map[string]string{"fast": `BESPOKE_DECODER: no decoder "fast"`}
	if cuda := cudaInfo(); !cuda.Available {
		refused[CUDA] = "decoder cuda, forced by BESPOKE_DECODER, is not available: " + cuda.Reason
	}
	for env, want := range refused {
		t.Setenv(DecoderEnv, env)
		if _, err := choose(&options{decoder: Auto}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestKernels(t *testing.T) {
	units := sampleUnits()
	limited, published := units[1].book, units[2].book
	other := samples.Books()[6].Book
	path := write(t, units...)
	with := func(name string, books ...*codebook.Book) *Kernel { // no decoders in builds without assembly
		k := &Kernel{ABI: kernel.ABI, Name: name, Books: books}
		if all := shapes.Windows(); len(all) > 0 {
			k.AVX512 = slices.Repeat(all[len(all)-1:], len(books))
		}
		return k
	}
	t.Run("matches", func(t *testing.T) {
		k := with("both", other, published, limited)
		m := open(t, path, WithKernel(k))
		if got := m.Decoder().Reason; !strings.Contains(got, "kernel both matches 2 code books") {
			t.Errorf("reason %q", got)
		}
		decodeAll(t, m, units)
	})
	t.Run("one book", func(t *testing.T) {
		k := with("one", limited)
		m := open(t, write(t, units[1]), WithKernel(k))
		if got := m.Decoder().Reason; !strings.Contains(got, "kernel one matches code book "+limited.Fingerprint().String()) {
			t.Errorf("reason %q", got)
		}
	})
	for name, books := range map[string][]*codebook.Book{
		"some match": {other, limited},
		"none match": {other},
		"no books":   nil,
	} {
		t.Run(name, func(t *testing.T) {
			k := with("k", books...)
			_, err := Open(path, WithKernel(k))
			var mismatch *MismatchError
			if !errors.As(err, &mismatch) {
				t.Fatalf("error %v, want a MismatchError", err)
			}
			want := units[0].book
			if name == "some match" {
				want = published
			}
			if mismatch.Book != want.Fingerprint() || !strings.Contains(err.Error(), want.Fingerprint().String()) {
				t.Errorf("%v, want the code book %v", err, want.Fingerprint())
			}
			for _, b := range books {
				if !strings.Contains(err.Error(), b.Fingerprint().String()) {
					t.Errorf("%v does not name %v", err, b.Fingerprint())
				}
			}
		})
	}
	t.Run("decoders missing", func(t *testing.T) {
		k := &Kernel{ABI: kernel.ABI, Name: "k", Books: []*codebook.Book{limited, other}, AVX512: make([]kernel.WindowDecoder, 1)}
		if _, err := Open(path, WithKernel(k)); err == nil || !strings.Contains(err.Error(), "1 decoders for 2 code books") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("another contract", func(t *testing.T) {
		k := with("k", limited)
		k.ABI--
		if _, err := Open(path, WithKernel(k)); err == nil || !strings.Contains(err.Error(), "run go generate") {
			t.Errorf("error %v", err)
		}
	})
}
