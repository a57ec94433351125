package model

import (
	"os"
	"strings"
	"testing"

	"github.com/dustin/go-humanize"
)

// TestSecurityPage holds the limits that docs/SECURITY.md names to those that there are.
func TestSecurityPage(t *testing.T) {
	page, err := os.ReadFile("../docs/SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	for what, limit := range map[string]int64{
		"header of a safetensors file, any other JSON text: bytes": maxJSON,
		"sidecar: bytes": maxSidecar,
		"tensors in a file, weights of all units":               maxTensors,
		"modules of a checkpoint":                               maxModules,
		"name of a tensor: bytes":                               maxName,
		"names of the weights of all units: bytes":              maxNames,
		"path of a file: bytes":                                 maxPath,
		"dimensions of a tensor":                                maxRank,
		"entries of a `pattern_dict`, attributes of each":       maxPatterns,
		"its regular expressions together: bytes":               maxPatternBytes,
		"their instructions, lists of names aside":              maxProgram,
		"matching them: instructions times bytes of names":      maxMatching,
		"looking for what is missing: bytes of names looked at": maxMissing,
		"names listed as missing: bytes":                        maxMissing / missingWork,
	} {
		if row := "| " + what + " | " + humanize.Comma(limit) + " |\n"; !strings.Contains(string(page), row) {
			t.Errorf("docs/SECURITY.md lacks %q", row)
		}
	}
}
