package plot

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The colours: dark text on white, blue for what was measured, and orange for the code.
var (
	paper = color.White
	ink   = color.RGBA{0x22, 0x26, 0x2E, 0xFF}
	faint = color.RGBA{0x6B, 0x72, 0x80, 0xFF}
	rule  = color.RGBA{0xE5, 0xE7, 0xEB, 0xFF}
	blue  = color.RGBA{0x2F, 0x6D, 0xB5, 0xFF}
	pale  = color.RGBA{0xA9, 0xC6, 0xE6, 0xFF}
	amber = color.RGBA{0xD9, 0x6B, 0x0B, 0xFF}
)

// sharePanel shows how often each exponent occurs, the three most frequent ones highlighted.
func sharePanel(e *Exponents, low, high int) *plot.Plot {
	p := newPanel("share of weights, %", low, high)
	bars := &shareBars{low: low, shares: make([]float64, high-low+1)}
	total := float64(e.Histogram.Total())
	for i := range bars.shares {
		if x := low + i; x >= 0 && x < len(e.Histogram) {
			bars.shares[i] = 100 * float64(e.Histogram[x]) / total
		}
	}
	bars.mark()
	p.Add(bars)
	p.Y.Min, p.Y.Max = 0, 1.12*bars.max()
	p.Y.Tick.Marker = plot.TickerFunc(shareTicks)
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.XOffs, p.Legend.YOffs = 8, -4
	p.Legend.Add(fmt.Sprintf("the three most frequent: %.0f %%", 100*topShare(&e.Histogram, 3)), swatch{blue})
	p.Legend.Add(fmt.Sprintf("exponents that occur: %d of 256", e.Histogram.Distinct()), swatch{pale})
	return p
}

// shareTicks labels four to eight round percentages.
func shareTicks(_, high float64) []plot.Tick {
	for _, step := range []float64{0.5, 1, 2, 5, 10} {
		if high/step <= 8 {
			return everyTick(step, high)
		}
	}
	return everyTick(20, high)
}

func everyTick(step, high float64) (ticks []plot.Tick) {
	for v := 0.0; v <= high; v += step {
		ticks = append(ticks, plot.Tick{Value: v, Label: fmt.Sprintf("%g", v)})
	}
	return ticks
}

// shareBars draws one bar for each exponent, and the share above the marked bars.
type shareBars struct {
	low    int
	shares []float64
	marked []bool
}

// mark marks the three longest bars.
func (b *shareBars) mark() {
	b.marked = make([]bool, len(b.shares))
	for range 3 {
		best := -1
		for i, s := range b.shares {
			if !b.marked[i] && s > 0 && (best < 0 || s > b.shares[best]) {
				best = i
			}
		}
		if best >= 0 {
			b.marked[best] = true
		}
	}
}

func (b *shareBars) max() (m float64) {
	for _, s := range b.shares {
		m = math.Max(m, s)
	}
	return m
}

// Plot draws the bars.
func (b *shareBars) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	label := p.Legend.TextStyle
	label.XAlign, label.YAlign, label.Color = draw.XCenter, draw.YBottom, blue
	for i, s := range b.shares {
		centre := float64(b.low + i)
		left, right := x(centre-0.42), x(centre+0.42)
		fill := color.Color(pale)
		if b.marked[i] {
			fill = blue
			c.FillText(label, vg.Point{X: x(centre), Y: y(s) + 2}, fmt.Sprintf("%.0f", s))
		}
		c.FillPolygon(fill, []vg.Point{{X: left, Y: y(0)}, {X: left, Y: y(s)}, {X: right, Y: y(s)}, {X: right, Y: y(0)}})
	}
}

// swatch is a filled square in a legend.
type swatch struct{ fill color.Color }

// Thumbnail draws the square.
func (s swatch) Thumbnail(c *draw.Canvas) {
	side := c.Max.Y - c.Min.Y
	left := (c.Min.X + c.Max.X - side) / 2
	c.FillPolygon(s.fill, []vg.Point{
		{X: left, Y: c.Min.Y}, {X: left, Y: c.Max.Y}, {X: left + side, Y: c.Max.Y}, {X: left + side, Y: c.Min.Y}})
}

// lengthPanel shows the code lengths, the ideal lengths, and the eight bits of bfloat16.
func lengthPanel(e *Exponents, low, high int) (*plot.Plot, error) {
	p := newPanel("bits", low, high)
	p.X.Label.Text = "exponent field e: weights from 2^(e−127) up to 2^(e−126)"
	p.X.Label.Padding = 4
	var codes, ideal plotter.XYs
	total := float64(e.Histogram.Total())
	for i, n := range e.Histogram {
		if e.Lengths[i] > 0 {
			codes = append(codes, plotter.XY{X: float64(i), Y: float64(e.Lengths[i])})
		}
		if n > 0 {
			ideal = append(ideal, plotter.XY{X: float64(i), Y: math.Log2(total / float64(n))})
		}
	}
	fixed, err := plotter.NewLine(plotter.XYs{{X: p.X.Min, Y: 8}, {X: p.X.Max, Y: 8}})
	if err != nil {
		return nil, err
	}
	fixed.Color, fixed.Width, fixed.Dashes = faint, 1, []vg.Length{4, 3}
	ideals, err := plotter.NewLine(ideal)
	if err != nil {
		return nil, err
	}
	ideals.Color, ideals.Width = blue, 1.2
	p.Add(fixed, ideals)
	p.Legend.Top, p.Legend.XOffs, p.Legend.YOffs = true, -8, -4
	p.Legend.Add("bfloat16: 8 bits, always", fixed)
	p.Legend.Add("ideal length, −log₂ share", ideals)
	if len(codes) > 0 {
		dots, err := plotter.NewScatter(codes)
		if err != nil {
			return nil, err
		}
		dots.Color, dots.Shape, dots.Radius = amber, draw.CircleGlyph{}, 3
		p.Add(dots)
		p.Legend.Add("length of the code", dots)
	}
	p.Y.Min, p.Y.Max = 0, math.Max(p.Y.Max, 12)*1.05
	p.Y.Tick.Marker = plot.TickerFunc(func(low, high float64) []plot.Tick { return everyTick(4, high) })
	return p, nil
}
