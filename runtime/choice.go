package runtime

import (
	"fmt"
	"os"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime/kernel"
)

// A Choice names a decoder and says why it was chosen.
type Choice struct {
	Name   string // "cuda", "avx512", "avx2" or "generic"
	Reason string // for example "kernel llama matches code book sha256:…"
}

// String returns "name: reason".
func (c Choice) String() string { return c.Name + ": " + c.Reason }

// A DecoderInfo says whether a decoder can be used on this machine, in this build.
type DecoderInfo struct {
	Name      string
	Available bool
	Reason    string // what makes it available, or what is missing
}

// Available lists all decoders, the preferred ones first.
func Available() []DecoderInfo { return append([]DecoderInfo{cudaInfo()}, onCPU()...) }

// onCPU lists the decoders that need no GPU: to ask for one loads its driver.
func onCPU() []DecoderInfo {
	return []DecoderInfo{
		assemblyInfo(AVX512, "CPU has AVX-512 with VBMI2 and BITALG", missingForAVX512()),
		assemblyInfo(AVX2, "CPU has AVX2 and BMI2", missingForAVX2()),
		{Generic, true, "portable Go"},
	}
}

// assemblyInfo describes a decoder that lacks what missing says, "" for nothing.
func assemblyInfo(name, has, missing string) DecoderInfo {
	if missing != "" {
		return DecoderInfo{name, false, missing}
	}
	return DecoderInfo{name, true, has}
}

// fewChunks is the number of chunks below which the eight lanes of AVX-512 have so little to share that the five of
// AVX2 end sooner.
const fewChunks = 7

// family returns the name of the family of decoders that decodes a stream.
func (c Choice) family(s *codebook.Stream) string {
	if c.Name == AVX512 && s.Chunks() < fewChunks {
		return AVX2
	}
	return c.Name
}

// assembly returns the assembly decoders of this package, and those of a kernel, that belong to a name;
// none for the names of others.
func assembly(name string, k *Kernel) (own, cut []kernel.Decoder) {
	if k == nil {
		k = &Kernel{}
	}
	switch name {
	case AVX512:
		return avx512(), k.AVX512
	case AVX2:
		return avx2(), k.AVX2
	}
	return nil, nil
}

func knownDecoder(name string) bool {
	switch name {
	case Auto, CUDA, AVX512, AVX2, Generic:
		return true
	}
	return false
}

// choose picks the decoder from the option, the environment and the machine, in this order.
func choose(o *options) (Choice, error) {
	name, by := o.decoder, "option"
	if name == Auto {
		by = DecoderEnv
		if name = os.Getenv(DecoderEnv); name == "" {
			name = Auto
		}
		if !knownDecoder(name) {
			return Choice{}, fmt.Errorf("runtime: %s: no decoder %q, want %s", by, name, decoderNames)
		}
	}
	decoders := onCPU()
	if name == Auto || name == CUDA {
		decoders = Available()
	}
	for _, d := range decoders {
		switch {
		case name == Auto && d.Available:
			return Choice{d.Name, autoReason(o, d.Name)}, nil
		case name == d.Name && !d.Available:
			return Choice{}, fmt.Errorf("runtime: decoder %s, forced by %s, is not available: %s", name, by, d.Reason)
		case name == d.Name:
			return Choice{name, "forced by " + by}, nil
		}
	}
	panic("unreachable: generic is always available")
}

// autoReason explains a decoder that nobody asked for.
func autoReason(o *options, name string) string {
	switch {
	case name == CUDA:
		return "" // the devices are the reason
	case name == Generic:
		return missingForAVX2()
	case o.kernel == nil:
		return "table-driven, no kernel given"
	default:
		return "" // the kernel is the reason
	}
}

// withKernel adds to the reason what the kernel has to do with it.
func (c Choice) withKernel(k *Kernel, books []codebook.Fingerprint) Choice {
	match := "kernel " + k.Name
	switch len(books) {
	case 0:
		match += " given, no unit to match"
	case 1:
		match += " matches code book " + books[0].String()
	default:
		match += fmt.Sprintf(" matches %d code books, the first %v", len(books), books[0])
	}
	if c.Reason != "" {
		match = c.Reason + "; " + match
	}
	c.Reason = match
	return c
}
