package gen

import (
	"bytes"
	"os"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/emit"
	"github.com/seed54244801/bespoke/gen/cudac"
)

// TestAnyBook holds the kernel in package runtime, for models that come without one, to its
// generator. It is cut for a code book that no model has, so that it decodes all of them through
// their luts. With -update a compiler is used where the source changed.
func TestAnyBook(t *testing.T) {
	book, err := codebook.Canonical(&codebook.Histogram{0: 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	plan := &emit.Plan{Package: "anybook", Model: "no model, for any code book", Books: []*codebook.Book{book}}
	source, err := emit.CUDA(plan)
	if err != nil {
		t.Fatal(err)
	}
	const sourceName, ptxName = "../runtime/anybook.cu", "../runtime/anybook.ptx"
	if *update {
		if err := os.WriteFile(sourceName, source, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	old, err := os.ReadFile(sourceName)
	if err != nil || !bytes.Equal(old, source) {
		t.Errorf("%s is not what emit makes (%v): run make golden", sourceName, err)
	}
	var previous []File
	if text, err := os.ReadFile(ptxName); err == nil {
		previous = []File{{emit.PTXName, text}}
	}
	opts := Options{Previous: previous}
	if *update {
		opts.Compiler, opts.NoCompiler = cudac.Find(t.Context())
	}
	ptx, err := makePTX(t.Context(), &Plan{Plan: plan}, source, opts)
	if err != nil {
		t.Fatal(err)
	}
	if ptx.text == nil {
		t.Fatalf("%s was not compiled from %s: run make golden with a CUDA compiler (%s)", ptxName, sourceName, ptx.report)
	}
	if *update {
		if err := os.WriteFile(ptxName, ptx.text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}
