package ui

import (
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// IsTerminal reports whether w is a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// patience is how long a stage may take before a bar is drawn for it.
const patience = time.Second

// Progress draws a bar with rate and time left for every stage that takes longer than a second, and removes it
// when the stage is over. Its methods may be called at the same time. The nil Progress draws nothing.
type Progress struct {
	w     io.Writer
	mu    sync.Mutex
	stage *stage
}

type stage struct {
	bar   *progressbar.ProgressBar
	shown *lateWriter
}

// NewProgress returns a Progress that draws on w.
func NewProgress(w io.Writer) *Progress { return &Progress{w: w} }

// Stage ends the current stage and begins one of total bytes or, if unit is not "", of total units.
func (p *Progress) Stage(name string, total int64, unit string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finish()
	shown := &lateWriter{w: p.w, from: time.Now().Add(patience)}
	options := []progressbar.Option{
		progressbar.OptionSetWriter(shown),
		progressbar.OptionSetDescription(Printable(name)),
		progressbar.OptionSetWidth(30),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100 * time.Millisecond),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetTheme(progressbar.Theme{
			Saucer: "█", SaucerHead: "▌", SaucerPadding: "░", BarStart: " ", BarEnd: " "}),
	}
	if unit == "" {
		options = append(options, progressbar.OptionShowBytes(true), progressbar.OptionUseIECUnits(true))
	} else {
		options = append(options, progressbar.OptionShowCount())
	}
	p.stage = &stage{shown: shown, bar: progressbar.NewOptions64(max(total, 1), options...)}
}

// Advance reports that n more units of the stage are done.
func (p *Progress) Advance(n int64) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stage != nil {
		_ = p.stage.bar.Add64(n) // a bar that cannot be drawn must not stop the work
	}
}

// Done ends the last stage.
func (p *Progress) Done() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finish()
}

func (p *Progress) finish() {
	if p.stage == nil {
		return
	}
	if p.stage.shown.used {
		_ = p.stage.bar.Clear()
	}
	p.stage = nil
}

// lateWriter drops everything that is written before a certain time.
type lateWriter struct {
	w    io.Writer
	from time.Time
	used bool
}

func (l *lateWriter) Write(b []byte) (int, error) {
	if !l.used && time.Now().Before(l.from) {
		return len(b), nil
	}
	l.used = true
	return l.w.Write(b)
}
