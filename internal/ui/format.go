package ui

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode"

	"github.com/dustin/go-humanize"
)

// Count writes n with commas between thousands.
func Count(n uint64) string {
	if n > math.MaxInt64 {
		return humanize.Comma(math.MaxInt64) // no sum of real sizes is that large
	}
	return humanize.Comma(int64(n))
}

// Bytes writes a size in binary units: 14.2 MiB.
func Bytes(n uint64) string { return humanize.IBytes(n) }

// Plural writes a count and its noun: 1 tensor, 2 tensors.
func Plural(n uint64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return Count(n) + " " + noun
}

// Printable returns text with everything that is not printable written as in a Go string, such as line breaks and
// the control characters that a terminal obeys. It is for names in a model's file, which may hold anything.
func Printable(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

// Arguments returns arguments for a format. Numbers stay as they are, and all others become [Printable] text. So
// text from a file or the command line cannot steer a terminal, and only the format itself breaks lines.
func Arguments(args []any) []any {
	for i, arg := range args {
		switch reflect.ValueOf(arg).Kind() {
		case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
			reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64,
			reflect.Float32, reflect.Float64, reflect.Bool:
		default:
			args[i] = Printable(fmt.Sprint(arg))
		}
	}
	return args
}

// Bar draws share, from 0 to 1, as a bar of at most width cells in steps of an eighth of a cell. A share above 0
// is never drawn as an empty bar.
func Bar(share float64, width int) string {
	const eighths = "▏▎▍▌▋▊▉█"
	n := int(math.Round(min(max(share, 0), 1) * float64(8*width)))
	if n == 0 && share > 0 {
		n = 1
	}
	bar := strings.Repeat("█", n/8)
	if rest := n % 8; rest > 0 {
		bar += string([]rune(eighths)[rest-1])
	}
	return bar
}
