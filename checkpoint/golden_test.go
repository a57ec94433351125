package checkpoint

import (
	"flag"
	"os"
	"testing"

	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/rans"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestRANSGolden compares containers coded with rANS with the golden ones, bytes and names: a change of the format, and a
// machine that computes other tables, shows here.
func TestRANSGolden(t *testing.T) {
	for form, golden := range map[rans.Form]string{rans.Exponent: vectorRANS, rans.Joint: vectorRANS + "-joint"} {
		dir := t.TempDir() + "/rans"
		if _, err := Compress(t.Context(), vectorModel, dir, CompressOptions{Codec: model.RANS, Form: form}); err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.RemoveAll(golden); err != nil {
				t.Fatal(err)
			}
			if err := os.CopyFS(golden, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
		}
		sameTree(t, tree(t, golden), tree(t, dir))
	}
}
