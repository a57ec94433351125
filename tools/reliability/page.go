//go:build linux

package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"text/template"

	"github.com/dustin/go-humanize"
)

// A section holds the figures of a part of the page.
type section struct {
	Name string `json:"name"`
	// Command is the command that makes the section anew.
	Command string `json:"command"`
	// Where says what else the figures depend on: the machine and the date, or that they are of a sample.
	Where  string  `json:"where,omitempty"`
	Tables []table `json:"tables"`
	// Bad is the sum of the counts that must be 0. Faults describes the first cases.
	Bad    int      `json:"bad"`
	Faults []string `json:"faults,omitempty"`
}

// A table has names in its first column and figures in the others.
type table struct {
	Title  string     `json:"title,omitempty"`
	Header []string   `json:"header"`
	Rows   [][]string `json:"rows"`
}

// count returns a number as text.
func count(n int) string { return humanize.Comma(int64(n)) }

// zero returns a number that must be 0 as text, and marks any other number.
func zero(n int) string {
	if n == 0 {
		return "0"
	}
	return "**" + count(n) + "**"
}

// A book holds all sections by name.
type book map[string]*section

// readSections reads the sections of earlier runs.
func readSections(path string) (book, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return book{}, nil
	}
	if err != nil {
		return nil, err
	}
	var list []*section
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	sections := book{}
	for _, s := range list {
		sections[s.Name] = s
	}
	return sections, nil
}

// A part is a section with its text: the title and the text above the tables, and the text below them.
type part struct {
	*section
	Above, Below string
}

//go:embed text
var words embed.FS

// Parts returns the sections of the book, in the order of the page.
func (b book) Parts() (list []part, err error) {
	for _, c := range chapters {
		s := b[c.name]
		if s == nil {
			continue
		}
		text, err := words.ReadFile("text/" + c.name + ".md")
		if err != nil {
			return nil, err
		}
		above, below, _ := strings.Cut(string(text), "[tables]\n")
		list = append(list, part{s, strings.TrimSpace(above), strings.TrimSpace(below)})
	}
	return list, nil
}

func (b book) writeJSON(path string) error {
	list := []*section{}
	for _, c := range chapters {
		if s := b[c.name]; s != nil {
			list = append(list, s)
		}
	}
	text, err := json.MarshalIndent(list, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

//go:embed page.md.tmpl
var pageText string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"row":  func(cells []string) string { return "| " + strings.Join(cells, " | ") + " |" },
	"rule": func(header []string) string { return "|---|" + strings.Repeat("---:|", len(header)-1) },
}).Parse(pageText))

func (b book) writePage(path string) error {
	var page bytes.Buffer
	if err := pageTemplate.Execute(&page, b); err != nil {
		return err
	}
	return os.WriteFile(path, page.Bytes(), 0o644)
}
