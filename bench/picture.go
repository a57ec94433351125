package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed54244801/bespoke/internal/plot"
	"github.com/seed54244801/bespoke/internal/ui"
)

// picturePath returns the path of the picture of a page. It is beside the page.
func picturePath(page string) string {
	name := strings.ToLower(filepath.Base(page))
	return filepath.Join(filepath.Dir(page), strings.TrimSuffix(name, filepath.Ext(name))+".png")
}

// writePicture draws the summary to a file, which the page then shows first. If there is no summary, there is no
// picture.
func (r *report) writePicture(path string) error {
	if len(r.Summary()) == 0 {
		return nil
	}
	var picture bytes.Buffer
	if err := r.draw(&picture, "png"); err != nil {
		return err
	}
	r.Picture = filepath.Base(path)
	return os.WriteFile(path, picture.Bytes(), 0o644)
}

// draw draws the summary.
func (r *report) draw(w io.Writer, format string) error {
	bars := plot.Bars{
		Title:  "How fast weights are decoded, beside copying as many",
		Line:   "Solid: the median of all rounds. Pale, and the number above: that of quiet moments. At 1, decoding takes as long as copying.",
		Series: pictured,
		Rule:   1,
	}
	for _, s := range r.Summary() {
		panel := plot.BarPanel{Label: "of memcpy, " + ui.Plural(uint64(s.Threads), "thread")}
		for _, row := range s.Rows {
			g := plot.BarGroup{Name: row.Data}
			for _, m := range row.Pictured() {
				g.Bars = append(g.Bars, m.bar())
			}
			panel.Groups = append(panel.Groups, g)
		}
		bars.Panels = append(bars.Panels, panel)
	}
	return plot.WriteBars(w, format, &bars)
}

// bar returns the bar of a figure. There is none for a figure that was not measured, and no quiet part if there
// were too few quiet moments.
func (m *measured) bar() (b plot.Bar) {
	if m == nil {
		return b
	}
	b.Solid = m.All.Median
	if m.Quiet.N >= fewQuiet {
		b.Pale = m.Quiet.Median
	}
	return b
}
