package torture

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed54244801/bespoke/internal/cost"
	"github.com/seed54244801/bespoke/model"
)

// fuzzContainers makes the containers once.
var fuzzContainers = sync.OnceValues(func() ([]*sweepContainer, error) {
	folder, err := os.MkdirTemp(sweepFolder(""), "bespoke-fuzz-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	return sweepContainers(context.Background(), folder, 1)
})

// FuzzDecompress puts any bytes in the place of a file of a container, with the sums made right or not, and
// decompresses and checks the container. The result must be an error or, if the sums are as they were, the very
// same files.
func FuzzDecompress(f *testing.F) {
	containers, err := fuzzContainers()
	if err != nil {
		f.Fatal(err)
	}
	for i, c := range containers {
		for j, path := range c.files.paths() {
			f.Add(uint8(i), uint8(j), false, c.files[path].data)
			f.Add(uint8(i), uint8(j), true, c.files[path].data)
			if other, ok := containers[(i+1)%len(containers)].files[path]; ok {
				f.Add(uint8(i), uint8(j), false, other.data)
			}
		}
	}
	folder, err := os.MkdirTemp(sweepFolder(""), "bespoke-fuzz-")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { os.RemoveAll(folder) })
	f.Fuzz(func(t *testing.T, container, file uint8, forged bool, data []byte) {
		c := containers[int(container)%len(containers)]
		paths := c.files.paths()
		path := paths[int(file)%len(paths)]
		if forged {
			data = sealed(path, data)
		}
		s := &sweep{ctx: t.Context()}
		w := sweepWorker{ctx: t.Context(), s: s, c: c, folder: filepath.Join(folder, "worker")}
		if err := w.start(); err != nil {
			t.Fatal(err)
		}
		x := sweepCase{what: func() string { return path }, forged: forged, change: func() map[string][]byte { return one(path, data) }}
		// The same part of the same model, with another index, does no harm.
		x.harmless = slices.ContainsFunc(containers, func(c *sweepContainer) bool { return bytes.Equal(c.files[path].data, data) })
		cost.Bounded(t, len(data), int(4*c.most), 200, func() {
			r, err := w.try(&x)
			if err != nil {
				t.Fatal(err)
			}
			// With right sums the container may say anything.
			if len(r.faults) > 0 && (!forged || r.panics || r.left || r.over) {
				t.Fatal(r.faults)
			}
		})
	})
}

// sealed makes the sums of a file right.
func sealed(path string, data []byte) []byte {
	switch {
	case path == model.SidecarName:
		return sealSidecar(data)
	case strings.HasSuffix(path, model.Extension):
		header, rest, err := splitSafetensors(data)
		if err != nil {
			return data
		}
		sums := map[string]model.TensorSum{}
		tensors, _ := tensorsOf(data) // none if the header is broken
		for _, x := range tensors {
			sums[x.name] = model.SumTensor(x.data)
		}
		return withSums(joinSafetensors(header, rest), sums)
	}
	return data
}

// TestSealed makes the sums right of sound files, which must not change anything, and of damaged ones.
func TestSealed(t *testing.T) {
	containers, err := fuzzContainers()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range containers {
		for _, path := range c.files.paths() {
			data := c.files[path].data
			if !bytes.Equal(sealed(path, data), data) {
				t.Errorf("%s: %s has other sums", c.name(), path)
			}
			if path != model.SidecarName && !slices.Contains(c.files.weights(), path) || !c.own() {
				continue
			}
			other := bytes.Replace(data, []byte("layers.0"), []byte("layers.5"), 1)
			if bytes.Equal(other, data) {
				continue
			}
			if bytes.Equal(sealed(path, other), other) || !bytes.Equal(sealed(path, bytes.Replace(sealed(path, other), []byte("layers.5"), []byte("layers.0"), 1)), data) {
				t.Errorf("%s: %s: the sums do not follow", c.name(), path)
			}
		}
	}
}
