package runtime

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime/internal/cpu"
	"github.com/seed54244801/bespoke/runtime/internal/cuda"
)

// A Choice names a decoder and says why it was chosen.
type Choice struct {
	Name   string // "cuda", "avx512", "avx2" or "generic"
	Reason string // for example "kernel llama matches code book sha256:…"

	free bool // avx512 stands for the faster one of avx512 and avx2
}

// String returns "name: reason".
func (c Choice) String() string { return c.Name + ": " + c.Reason }

// A DecoderInfo says whether a decoder can be used on this machine, in this build.
type DecoderInfo struct {
	Name      string
	Available bool
	Reason    string // the property that makes it available, or the missing one
}

// Available lists all decoders, in the order in which they are preferred. But of avx512 and avx2, the faster one is
// preferred once it is measured: see [Model.Decoder].
func Available() []DecoderInfo { return append([]DecoderInfo{cudaInfo()}, onCPU()...) }

// cudaInfo says whether there is a driver and a GPU.
func cudaInfo() DecoderInfo {
	ok, reason := cuda.Available()
	return DecoderInfo{CUDA, ok, reason}
}

// onCPU lists the decoders that need no GPU. It does not load the driver of GPUs.
func onCPU() []DecoderInfo {
	return []DecoderInfo{
		assemblyInfo(AVX512, "CPU has AVX-512 with VBMI2", cpu.Missing(cpu.AVX512)),
		assemblyInfo(AVX2, "CPU has AVX2 and BMI2", cpu.Missing(cpu.AVX2)),
		{Generic, true, "portable Go"},
	}
}

// assemblyInfo describes a decoder in assembly. It is available if nothing is missing.
func assemblyInfo(name, has, missing string) DecoderInfo {
	if missing != "" {
		return DecoderInfo{name, false, missing}
	}
	return DecoderInfo{name, true, has}
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
			return Choice{d.Name, autoReason(o, d.Name), d.Name == AVX512}, nil
		case name == d.Name && !d.Available:
			return Choice{}, fmt.Errorf("runtime: decoder %s, forced by %s, is not available: %s", name, by, d.Reason)
		case name == d.Name:
			return Choice{Name: name, Reason: "forced by " + by}, nil
		}
	}
	panic("unreachable: generic is always available")
}

// autoReason says why a decoder was chosen that nobody asked for.
func autoReason(o *options, name string) string {
	switch {
	case name == CUDA:
		return "" // the devices are the reason
	case name == Generic:
		return cpu.Missing(cpu.AVX2)
	case o.kernel == nil:
		return "table-driven, no kernel given"
	default:
		return "" // the kernel is the reason
	}
}

// Calibrate says which decoder is preferred on the CPU of this machine. If the CPU can run both decoders in
// assembly, it measures them with random weights, unless a decode has measured them with weights of a model. That
// takes some hundredths of a second.
func Calibrate() (Choice, error) {
	best := bestOnCPU()
	if !best.free {
		best.Reason = cpu.Missing(cpu.AVX512)
		return best, nil
	}
	if err := cpu.Calibrate(); err != nil {
		return Choice{}, fmt.Errorf("runtime: %w", err)
	}
	best.Name, best.Reason = cpu.Measured()
	return best, nil
}

// Decoder says which decoder is used, and why. If both decoders in assembly can be used and nobody asked for one of
// them, the first decode of the process measures which one is faster, with the weights that it decodes.
func (m *Model) Decoder() Choice {
	if m.gpus != nil {
		working, notes := m.gpus.State()
		if !working {
			return Choice{Name: bestOnCPU().Name, Reason: joinReasons(notes...)}
		}
		return Choice{Name: m.choice.Name, Reason: joinReasons(append([]string{m.choice.Reason}, notes...)...)}
	}
	if family, why := cpu.Measured(); m.choice.free && family != "" {
		return Choice{Name: family, Reason: joinReasons(why, m.choice.Reason)}
	}
	return m.choice
}

// bestOnCPU returns the preferred decoder among those that are available and need no GPU, without a reason.
func bestOnCPU() Choice {
	for _, d := range onCPU() {
		if d.Available {
			return Choice{Name: d.Name, free: d.Name == AVX512}
		}
	}
	panic("unreachable: generic is always available")
}

// withKernel adds the kernel and the code books that it matches to the reason.
func (c Choice) withKernel(k *Kernel, books []codebook.Fingerprint) Choice {
	match := "kernel " + k.Name
	switch n := len(books); {
	case k.forRANS():
		match += " is for rANS on GPUs"
	case n == 0:
		match += " given, no unit to match"
	case n == 1:
		match += " matches code book " + books[0].String()
	default:
		match += fmt.Sprintf(" matches %d code books, the first %v", n, books[0])
	}
	c.Reason = joinReasons(c.Reason, match)
	return c
}

// joinReasons joins the reasons that are not empty.
func joinReasons(reasons ...string) string {
	return strings.Join(slices.DeleteFunc(reasons, func(s string) bool { return s == "" }), "; ")
}
