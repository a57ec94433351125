//go:build cuda

package main

import (
	_ "embed"
	"fmt"
	"io"
	"os"
	"slices"
	"text/template"
	"time"

	"github.com/seed54244801/bespoke/internal/cuda/gpu"
	"github.com/seed54244801/bespoke/internal/ui"
)

// A page is the report on all GPUs.
type page struct{ Devices []*device }

// timed reports whether the times are those of GPUs.
func (p *page) timed() bool {
	return !slices.ContainsFunc(p.Devices, func(d *device) bool { return isStandIn(d.Info) })
}

// median returns the median time of a single run of some work, after a round that does not count.
func median(slot *gpu.Slot, work func() error) (time.Duration, error) {
	var times []time.Duration
	for range 1 + rounds {
		t, err := slot.Time(decodings, work)
		if err != nil {
			return 0, err
		}
		times = append(times, t)
	}
	times = times[1:]
	slices.Sort(times)
	return times[len(times)/2], nil
}

// Rate returns thousand million weights a second.
func (r *result) Rate() float64 { return float64(r.Weights) / r.Time.Seconds() / 1e9 }

// Gplain returns thousand million weights a second.
func (d *device) Gplain() float64 { return d.Plain / 1e9 }

// OfCopy returns the rate at which a kernel moves bytes as a part of that of a copy within device memory.
func (d *device) OfCopy(r *result) float64 { return float64(r.Bytes) / r.Time.Seconds() / d.Copy }

// OfPlain returns the rate of a product as a part of that of a plain product.
func (d *device) OfPlain(r *result) float64 { return float64(r.Weights) / r.Time.Seconds() / d.Plain }

// print shows the figures on a terminal.
func (p *page) print(w io.Writer) error {
	if !p.timed() {
		fmt.Fprintln(w, "nothing was timed: this is no GPU")
		return nil
	}
	for _, d := range p.Devices {
		fmt.Fprintf(w, "\n%v, CUDA %s: a device copy moves %.0f GB/s, a plain matrix-vector product reads %.1f Gweights/s\n\n",
			d.Info, d.Driver, d.Copy/1e9, d.Gplain())
		if err := printRates(w, d.Results, "of copy", d.OfCopy); err != nil {
			return err
		}
		fmt.Fprintln(w)
		if err := printRates(w, d.Products, "of plain", d.OfPlain); err != nil {
			return err
		}
	}
	return nil
}

func printRates(w io.Writer, results []*result, what string, ratio func(*result) float64) error {
	t := ui.Table{Right: "lllrr"}
	t.Row("kernels", "kernel", "from", "Gweights/s", what)
	t.Rule()
	for _, r := range results {
		t.Row(r.Kernels, r.Entry, r.Form, fmt.Sprintf("%.1f", r.Rate()), fmt.Sprintf("%.2f", ratio(r)))
	}
	return t.Write(w, "  ")
}

//go:embed page.md.tmpl
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

func (p *page) write(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := pageTemplate.Execute(f, p); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
