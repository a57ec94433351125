package ui

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestTable(t *testing.T) {
	table := Table{Right: "lrr"}
	table.Row("scheme", "bytes", "%")
	table.Rule()
	table.Row("model", 12345, "68.0")
	table.Row("é", 1)
	var b bytes.Buffer
	if err := table.Write(&b, " "); err != nil {
		t.Fatal(err)
	}
	want := " scheme  bytes     %\n" +
		" ───────────────────\n" +
		" model   12345  68.0\n" +
		" é           1\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "a b": "a b", "日本 ∞ −": "日本 ∞ −", "a\n\x1b[2Jb": `a\n\x1b[2Jb`, "it's\u202e": `it's\u202e`, "bad\xff": "bad\ufffd",
	} {
		if got := Printable(text); got != want {
			t.Errorf("Printable(%q) = %q, want %q", text, got, want)
		}
	}
}

type named string

type worded struct{}

func (worded) String() string { return "a\x1bb" }

func TestArguments(t *testing.T) {
	args := Arguments([]any{
		"a\x1bb", named("a\nb"), errors.New("a\u009bb"), worded{}, &worded{}, []string{"a\x07b"}, []byte("\x1b"), map[string]int{"\x1b": 1}, nil,
		1, uint8(2), 2.5, true,
	})
	got := fmt.Sprintf("%s %s %v %v %s %s %s %s %v %d %3d %.2f %t", args...)
	const want = `a\x1bb a\nb a\u009bb a\x1bb a\x1bb [a\ab] [27] map[\x1b:1] <nil> 1   2 2.50 true`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestBar(t *testing.T) {
	cases := []struct {
		share float64
		want  string
	}{{0, ""}, {1e-9, "▏"}, {0.5, "██"}, {0.53125, "██▏"}, {1, "████"}, {7, "████"}, {-1, ""}}
	for _, c := range cases {
		if got := Bar(c.share, 4); got != c.want {
			t.Errorf("Bar(%g) = %q, want %q", c.share, got, c.want)
		}
	}
}

func TestPlural(t *testing.T) {
	for want, n := range map[string]uint64{"0 tensors": 0, "1 tensor": 1, "1,234 tensors": 1234} {
		if got := Plural(n, "tensor"); got != want {
			t.Errorf("Plural(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestProgress(t *testing.T) {
	var none *Progress
	none.Stage("x", 1, "")
	none.Advance(1)
	none.Done()

	var b bytes.Buffer
	p := NewProgress(&b)
	p.Advance(1) // before any stage there is nothing to draw
	p.Stage("quick", 100, "")
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() { p.Advance(10) })
	}
	group.Wait()
	p.Stage("slow\x1b", 1000, "runs")
	if b.Len() > 0 {
		t.Fatalf("a quick stage drew %q", b.String())
	}
	p.stage.shown.from = time.Now().Add(-time.Second)
	time.Sleep(120 * time.Millisecond) // past the time in which the bar is not redrawn
	p.Advance(500)
	if s := b.String(); !strings.Contains(s, `slow\x1b`) || !strings.Contains(s, "50%") || !strings.Contains(s, "500/1000") {
		t.Errorf("a slow stage drew %q", s)
	}
	p.Done()
	if s := b.String(); !strings.HasSuffix(s, "\r") {
		t.Errorf("the bar was not wiped: %q", s)
	}
	if IsTerminal(&b) {
		t.Error("a buffer is no terminal")
	}
}
