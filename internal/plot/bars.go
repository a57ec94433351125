package plot

import (
	"fmt"
	"image/color"
	"io"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Bars is a picture of figures as groups of bars, in one or more panels below each other.
type Bars struct {
	Title  string
	Line   string   // the line below the title
	Series []string // what the bars of a group are; at most five
	Rule   float64  // where a line is drawn across; 0 for none
	Panels []BarPanel
}

// A BarPanel is several groups over one axis.
type BarPanel struct {
	Label  string // of the axis
	Groups []BarGroup
}

// A BarGroup has one bar for each series.
type BarGroup struct {
	Name string
	Bars []Bar
}

// A Bar is two figures: a solid bar in front of a wider pale one. 0 stands for a missing figure. The pale figure
// is written above the bar, or the solid one if there is no pale one.
type Bar struct{ Solid, Pale float64 }

// seriesColors are the colours of the series.
var seriesColors = []color.RGBA{blue, {0x1B, 0x9A, 0x8A, 0xFF}, amber, ink, faint}

// WriteBars draws b in the given format.
func WriteBars(w io.Writer, format string, b *Bars) error {
	if err := b.check(); err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	var panels []*plot.Plot
	for i := range b.Panels {
		panels = append(panels, b.panel(&b.Panels[i]))
	}
	return writePage(w, format, panels, 90, func(page draw.Canvas) {
		drawTitle(page, b.Title, b.Line)
		b.drawLegend(page)
	})
}

// check returns an error for a picture that cannot be drawn.
func (b *Bars) check() error {
	if n := len(b.Series); n > len(seriesColors) {
		return fmt.Errorf("%d series, want at most %d", n, len(seriesColors))
	}
	groups := 0
	for _, p := range b.Panels {
		for _, g := range p.Groups {
			if len(g.Bars) != len(b.Series) {
				return fmt.Errorf("%s has %d bars for %d series", g.Name, len(g.Bars), len(b.Series))
			}
		}
		groups += len(p.Groups)
	}
	if groups == 0 {
		return fmt.Errorf("nothing to draw: no groups")
	}
	return nil
}

// panel returns the plot of a panel.
func (b *Bars) panel(from *BarPanel) *plot.Plot {
	p := newPanel(from.Label, 0, len(from.Groups)-1)
	p.X.Tick.Length = 0
	p.X.Tick.Marker = plot.TickerFunc(func(_, _ float64) (ticks []plot.Tick) {
		for i, g := range from.Groups {
			ticks = append(ticks, plot.Tick{Value: float64(i), Label: g.Name})
		}
		return ticks
	})
	most := b.Rule
	for _, g := range from.Groups {
		for _, bar := range g.Bars {
			most = max(most, bar.Solid, bar.Pale)
		}
	}
	p.Y.Min, p.Y.Max = 0, 1.12*max(most, math.SmallestNonzeroFloat32)
	p.Y.Tick.Marker = plot.TickerFunc(func(_, high float64) []plot.Tick { return everyTick(0.5, high) })
	p.Add(&groupedBars{groups: from.Groups, series: len(b.Series), rule: b.Rule})
	return p
}

// groupedBars draws the groups of a panel.
type groupedBars struct {
	groups []BarGroup
	series int
	rule   float64
}

// Plot draws the bars and their figures.
func (d *groupedBars) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	box := func(fill color.Color, centre, width, v float64) {
		c.FillPolygon(fill, corners(x(centre-width/2), y(0), x(centre+width/2), y(v)))
	}
	if d.rule > 0 {
		line := draw.LineStyle{Color: ink, Width: 0.8, Dashes: []vg.Length{4, 3}}
		c.StrokeLine2(line, c.Min.X, y(d.rule), c.Max.X, y(d.rule))
	}
	label := textStyle(8.5)
	label.XAlign, label.YAlign = draw.XCenter, draw.YBottom
	step := 0.86 / float64(d.series)
	for i, g := range d.groups {
		for k, bar := range g.Bars {
			centre := float64(i) + step*(float64(k)-float64(d.series-1)/2)
			box(paled(seriesColors[k]), centre, 0.9*step, bar.Pale)
			box(seriesColors[k], centre, 0.5*step, bar.Solid)
			said := bar.Pale
			if said == 0 {
				said = bar.Solid
			}
			if said > 0 {
				at, text := vg.Point{X: x(centre), Y: y(max(bar.Pale, bar.Solid)) + 2}, fmt.Sprintf("%.2f", said)
				c.FillPolygon(paper, corners(at.X-label.Width(text)/2, at.Y, at.X+label.Width(text)/2, at.Y+9))
				c.FillText(label, at, text)
			}
		}
	}
}

// corners returns the corners of a rectangle.
func corners(left, bottom, right, top vg.Length) []vg.Point {
	return []vg.Point{{X: left, Y: bottom}, {X: left, Y: top}, {X: right, Y: top}, {X: right, Y: bottom}}
}

// paled returns the pale form of a colour.
func paled(c color.RGBA) color.RGBA {
	mix := func(v uint8) uint8 { return uint8((int(v) + 2*0xFF) / 3) }
	return color.RGBA{mix(c.R), mix(c.G), mix(c.B), 0xFF}
}

// drawLegend names the series in a row below the title.
func (b *Bars) drawLegend(page draw.Canvas) {
	style := textStyle(10)
	at := vg.Point{X: 22, Y: height - 66}
	for k, name := range b.Series {
		const side = 8
		page.FillPolygon(seriesColors[k], corners(at.X, at.Y-side, at.X+side, at.Y))
		page.FillText(style, vg.Point{X: at.X + side + 4, Y: at.Y + 1}, name)
		at.X += side + 4 + style.Width(name) + 18
	}
}
