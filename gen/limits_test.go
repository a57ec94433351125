package gen

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
		"generated folder: bytes": maxFolder,
		"files in its manifest":   maxListed,
	} {
		if row := "| " + what + " | " + humanize.Comma(limit) + " |\n"; !strings.Contains(string(page), row) {
			t.Errorf("docs/SECURITY.md lacks %q", row)
		}
	}
}
