package ui

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// A Table has rows of cells. A column is as wide as its widest cell.
type Table struct {
	// Right holds one letter for each column: 'r' aligns it to the right, anything else to the left.
	Right string

	rows  [][]string
	rules []int // rows with a rule before them
}

// Row adds a row. Cells are formatted with [fmt.Sprint] and made [Printable].
func (t *Table) Row(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = Printable(fmt.Sprint(c))
	}
	t.rows = append(t.rows, row)
}

// Rule draws a line before the next row.
func (t *Table) Rule() { t.rules = append(t.rules, len(t.rows)) }

// Write writes the table, each line after indent.
func (t *Table) Write(w io.Writer, indent string) error {
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	total := 2 * (len(widths) - 1)
	for _, n := range widths {
		total += n
	}
	var b strings.Builder
	for r, row := range t.rows {
		for _, rule := range t.rules {
			if rule == r {
				fmt.Fprintf(&b, "%s%s\n", indent, strings.Repeat("─", total))
			}
		}
		var line strings.Builder
		line.WriteString(indent)
		for i, cell := range row {
			if i > 0 {
				line.WriteString("  ")
			}
			gap := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i < len(t.Right) && t.Right[i] == 'r' {
				line.WriteString(gap + cell)
			} else {
				line.WriteString(cell + gap)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " "))
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}
