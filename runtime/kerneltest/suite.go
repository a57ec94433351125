package kerneltest

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime"
)

// A Suite is a generated kernel and the data that it was generated from.
type Suite struct {
	Kernel *runtime.Kernel
	// Hash is the hash of the code books in the headers of the generated files.
	Hash string
	// Histograms[i] counts the exponents coded with Kernel.Books[i].
	Histograms []codebook.Histogram
}

// Books checks that the code books have the hash, that they are the same after being written and read as DF11
// tables, and that they code every exponent of their histograms.
func (s *Suite) Books(t *testing.T) {
	hash := sha256.New()
	for i, book := range s.Kernel.Books {
		want := book.Fingerprint()
		hash.Write(want[:])
		parsed, err := codebook.ParseLuts(book.Luts())
		if err != nil {
			t.Fatalf("book %d: %v", i, err)
		}
		if got := parsed.Fingerprint(); got != want {
			t.Errorf("book %d comes back from its tables as %v, want %v", i, got, want)
		}
		if _, err := book.StreamBits(&s.Histograms[i]); err != nil {
			t.Errorf("book %d: %v", i, err)
		}
	}
	if got := "sha256:" + hex.EncodeToString(hash.Sum(nil)); got != s.Hash {
		t.Errorf("the code books have the hash %s, want %s", got, s.Hash)
	}
}

// Sources checks that the GPU sources were generated for the same model as the package, and that they have its kernels.
func (s *Suite) Sources(t *testing.T) {
	sources := map[string]string{"the CUDA source": s.Kernel.CUDA}
	if s.Kernel.PTX != "" {
		sources["the PTX"] = s.Kernel.PTX
	}
	for name, source := range sources {
		header, body, _ := strings.Cut(source, "\n")
		if !strings.Contains(header, s.Hash) {
			t.Errorf("%s opens with %q, want the hash %s", name, header, s.Hash)
		}
		for _, l := range s.Kernel.Launches {
			if !strings.Contains(body, l.Entry+"(") {
				t.Errorf("%s has no entry named %s", name, l.Entry)
			}
		}
	}
}

// decoders returns the names of the decoders of the kernel that package runtime can run here.
// A test for a decoder that the kernel has and this machine cannot run is skipped with the reason.
func (s *Suite) decoders() []string {
	names := []string{runtime.Generic}
	if s.Kernel.AVX512 != nil {
		names = append(names, runtime.AVX512)
	}
	if s.Kernel.PTX != "" && hasCUDA {
		names = append(names, "cuda")
	}
	return names
}

// skipUnavailable skips a test if this machine cannot run its decoder.
func skipUnavailable(tb testing.TB, decoder string) {
	for _, d := range runtime.Available() {
		if d.Name == decoder && !d.Available {
			tb.Skipf("no decoder %s on this machine: %s", decoder, d.Reason)
		}
	}
}
