package checkpoint

import (
	"os"
	"strings"
	"testing"

	"github.com/dustin/go-humanize"
)

// TestSecurityPage holds the limits of this package that docs/SECURITY.md names to those that there are.
func TestSecurityPage(t *testing.T) {
	page, err := os.ReadFile("../docs/SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	for what, limit := range map[string]int64{
		"weight map that is kept in the sidecar: bytes": maxInline,
		"histogram in JSON: bytes":                      maxHistogramFile,
		"units in one":                                  maxHistograms,
	} {
		if row := "| " + what + " | " + humanize.Comma(limit) + " |\n"; !strings.Contains(string(page), row) {
			t.Errorf("docs/SECURITY.md lacks %q", row)
		}
	}
}
