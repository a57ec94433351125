package gen

import (
	"encoding/json"
	"fmt"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/internal/jsonedit"
	"github.com/seed54244801/bespoke/model"
)

// A RansManifest is the [Manifest] of a model that is coded with rANS.
type RansManifest struct {
	Generator string `json:"generator"`
	Format    int    `json:"format"`
	Package   string `json:"package"`
	// Codec is "rans".
	Codec model.Codec `json:"codec"`
	// Hash identifies the tables together; the header of every generated file has it.
	Hash      string            `json:"hash"`
	Model     string            `json:"model"`
	Weights   uint64            `json:"weights"`
	Histogram checkpoint.Counts `json:"histogram"`
	Distinct  int               `json:"distinct"`
	Entropy   float64           `json:"entropy"` // bits an exponent
	// Bytes is the size of the tensors as they are stored.
	Bytes         uint64  `json:"bytes"`
	BitsPerWeight float64 `json:"bits_per_weight"`
	// Tables are those of rans_tables in the CUDA source, in its order.
	Tables []RansTableReport `json:"tables"`
	// Tensors are those of all units, in their order.
	Tensors []RansTensorReport `json:"tensors"`
	// Compilers names what compiled the files that are not text written by bespoke.
	Compilers map[string]string `json:"compilers"`
	// Files lists the files of the folder without the manifest.
	Files []string `json:"files"`
}

// A RansTableReport describes a table: see package rans.
type RansTableReport struct {
	Form        string   `json:"form"`
	Symbols     []uint16 `json:"symbols"`
	Frequencies []uint16 `json:"frequencies"` // of 4096
}

// A RansTensorReport names a tensor and its table.
type RansTensorReport struct {
	Unit    string `json:"unit"`
	Name    string `json:"name"`
	Weights uint64 `json:"weights"`
	Table   int    `json:"table"`
}

// ransManifest describes a plan and the files generated from it.
func ransManifest(p *Package, files []File, compilers map[string]string) ([]byte, error) {
	plan := p.Rans
	m := RansManifest{
		Generator: generator,
		Format:    manifestFormat,
		Package:   plan.Package,
		Codec:     model.RANS,
		Hash:      plan.Hash(),
		Model:     plan.Model,
		Weights:   plan.Histogram.Total(),
		Histogram: checkpoint.Counts(plan.Histogram),
		Distinct:  plan.Histogram.Distinct(),
		Entropy:   rounded(plan.Histogram.Entropy()),
		Bytes:     plan.Bytes,
		Compilers: compilers,
	}
	m.BitsPerWeight = rounded(8 * float64(m.Bytes) / float64(m.Weights))
	for i := range p.Source.Units {
		u := &p.Source.Units[i]
		for k, t := range u.RANS {
			n := len(m.Tensors)
			table := plan.Of[n]
			if table == len(m.Tables) { // numbers are in the order in which tensors have the tables
				m.Tables = append(m.Tables, RansTableReport{t.Form.String(), t.Table.Symbols, t.Table.Frequencies})
			}
			m.Tensors = append(m.Tensors, RansTensorReport{u.Name, u.Tensors[k], t.Weights, table})
		}
	}
	for _, f := range files {
		m.Files = append(m.Files, f.Name)
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("gen: manifest: %w", err)
	}
	return append(jsonedit.Printable(text), '\n'), nil // names may be anything
}
