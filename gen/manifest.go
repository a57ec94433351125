package gen

import (
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/jsonedit"
	"github.com/seed54244801/bespoke/internal/regular"
	"github.com/seed54244801/bespoke/templates"
)

// ManifestName is the name of the file that describes a generated folder.
const ManifestName = "manifest.json"

const (
	generator = "bespoke"
	// manifestFormat counts the versions of the manifest's layout.
	manifestFormat = 1
	// bfloat16Bits is the size of a weight before compression, in bits.
	bfloat16Bits = 16
)

// A Manifest describes a generated folder to programs. The names are stable; new ones may be added.
type Manifest struct {
	Generator string `json:"generator"`
	Format    int    `json:"format"`
	Package   string `json:"package"`
	// Hash identifies the code books together; the header of every generated file has it.
	Hash      string            `json:"hash"`
	Model     string            `json:"model"`
	Weights   uint64            `json:"weights"`
	Histogram checkpoint.Counts `json:"histogram"`
	Distinct  int               `json:"distinct"`
	Entropy   float64           `json:"entropy"` // bits an exponent
	// Expected is the size that the code books give. Real is the size of the compressed model from which they
	// come.
	Expected SizeReport  `json:"expected_size"`
	Real     *SizeReport `json:"real_size,omitempty"`
	// Scheme is how the code books were chosen. It is "" if they are those of a compressed model.
	Scheme string       `json:"scheme,omitempty"`
	Books  []BookReport `json:"books"`
	// AVX512 has the shape of the decoder of windows. It is nil if no code book can be decoded so.
	AVX512 *WindowsReport `json:"avx512,omitempty"`
	// CUDA has the parameters of the CUDA kernels.
	CUDA templates.Shape `json:"cuda"`
	// Units is absent if only a histogram was known.
	Units []UnitReport `json:"units,omitempty"`
	// Compilers names what compiled the files that are not text written by bespoke.
	Compilers map[string]string `json:"compilers"`
	// Files lists the files of the folder without the manifest.
	Files []string `json:"files"`
}

// A SizeReport is the size of the DF11 tensors, in bytes by kind.
type SizeReport struct {
	codebook.Size
	Total uint64 `json:"total"`
	// BitsPerWeight is the size of a weight.
	BitsPerWeight float64 `json:"bits_per_weight"`
	// Ratio is the size divided by that of the weights in bfloat16.
	Ratio float64 `json:"ratio"`
}

// A WindowsReport describes the decoder of windows.
type WindowsReport struct {
	// LongSteps are the steps of half a phase that also look up codes of more than 6 bits. LongBits is the number
	// of bits after the prefix by which they look them up.
	LongSteps []int `json:"long_steps"`
	LongBits  int   `json:"long_bits"`
	Merges    int   `json:"merges"` // in half a phase
}

// A BookReport describes one code book.
type BookReport struct {
	Fingerprint string            `json:"fingerprint"`
	Canonical   bool              `json:"canonical"`
	Symbols     int               `json:"symbols"`
	MinLength   int               `json:"min_length"`
	MaxLength   int               `json:"max_length"`
	Lengths     checkpoint.Counts `json:"lengths"` // of the codes, by exponent
	Weights     uint64            `json:"weights"`
	Entropy     float64           `json:"entropy"`
}

// A UnitReport names a unit and the book that codes it.
type UnitReport struct {
	Name    string `json:"name"`
	Weights uint64 `json:"weights"`
	Book    int    `json:"book"`
}

// manifest describes a plan and the files generated from it.
func manifest(p *Package, files []File, compilers map[string]string) ([]byte, error) {
	m := Manifest{
		Generator: generator,
		Format:    manifestFormat,
		Package:   p.Package,
		Hash:      p.Hash(),
		Model:     p.Model,
		Weights:   p.Histogram.Total(),
		Histogram: checkpoint.Counts(p.Histogram),
		Distinct:  p.Histogram.Distinct(),
		Entropy:   rounded(p.Histogram.Entropy()),
		Expected:  sizeReport(p.Expected, p.Histogram.Total()),
		Scheme:    p.Source.Scheme,
		CUDA:      p.CUDAShape(),
		Compilers: compilers,
	}
	if s, _, ok := p.WindowShape(); ok {
		m.AVX512 = &WindowsReport{LongSteps: s.Long, LongBits: s.LongBits(), Merges: s.Merges}
	}
	if p.Source.Stored != nil {
		r := sizeReport(p.Source.Stored.Size, m.Weights)
		m.Real = &r
	}
	for i, b := range p.Books {
		m.Books = append(m.Books, bookReport(b, &p.Counts[i]))
	}
	if !p.Source.Bare {
		for i, u := range p.Source.Units {
			m.Units = append(m.Units, UnitReport{u.Name, u.Weights(), p.Book[i]})
		}
	}
	for _, f := range files {
		m.Files = append(m.Files, f.Name)
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("gen: manifest: %w", err)
	}
	return append(jsonedit.Printable(text), '\n'), nil // names of units may be anything
}

// rounded rounds a figure to decimals on which all machines agree. Some machines compute a*b+c with one rounding,
// and some with two.
func rounded(x float64) float64 { return math.Round(x*1e6) / 1e6 }

func sizeReport(s codebook.Size, weights uint64) SizeReport {
	bits := 8 * float64(s.Total()) / float64(weights)
	return SizeReport{Size: s, Total: s.Total(), BitsPerWeight: rounded(bits), Ratio: rounded(bits / bfloat16Bits)}
}

func bookReport(b *codebook.Book, counts *codebook.Histogram) BookReport {
	r := BookReport{
		Fingerprint: b.Fingerprint().String(),
		Canonical:   b.Canonical(),
		Symbols:     len(b.Symbols()),
		MinLength:   b.MinLength(),
		MaxLength:   b.MaxLength(),
		Weights:     counts.Total(),
		Entropy:     rounded(counts.Entropy()),
	}
	for symbol, length := range b.Lengths() {
		r.Lengths[symbol] = uint64(length)
	}
	return r
}

// The bounds of what a manifest may list.
const (
	maxListed = 256 // files
	maxName   = 255 // bytes of a file's name, the limit of file systems
)

// manifestFiles returns the names that the manifest at path lists, and the manifest's own.
func manifestFiles(path string) ([]string, error) {
	f, size, err := regular.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > maxFolder {
		return nil, fmt.Errorf("%s: %d bytes, max %d", path, size, maxFolder)
	}
	files, err := listedFiles(io.LimitReader(f, maxFolder))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return append(files, ManifestName), nil
}

// listedFiles returns the names that a manifest lists.
func listedFiles(manifest io.Reader) (files []string, err error) {
	by := ""
	err = jsonedit.Stream(manifest, func(d *json.Decoder, name string) (err error) {
		switch name {
		case "generator":
			by, err = jsonedit.String(d, maxName)
		case "files":
			err = jsonedit.Array(d, func(d *json.Decoder) error {
				if len(files) == maxListed {
					return fmt.Errorf("files: more than %d", maxListed)
				}
				file, err := jsonedit.String(d, maxName)
				files = append(files, file)
				return err
			})
		default:
			err = jsonedit.Skip(d)
		}
		return err
	})
	if err == nil && by != generator {
		err = fmt.Errorf("generator %q, want %q", by, generator)
	}
	return files, err
}
