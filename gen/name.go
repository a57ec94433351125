package gen

import (
	"fmt"
	"go/token"
	"path/filepath"
	"strings"
)

// PackageName derives the name of the Go package from the folder it is written to:
// the last element of dir in lower case, without '-', '_', '.' and spaces.
//
// It refuses what would not make a package: any other character that Go identifiers do not have,
// a leading digit, keywords, and main.
func PackageName(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("gen: %w", err)
	}
	base := filepath.Base(abs)
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune("-_. ", r) {
			return -1
		}
		return r
	}, strings.ToLower(base))
	if err := checkPackageName(name); err != nil {
		return "", fmt.Errorf("gen: folder %q gives no package name: %w; choose another name for the folder", base, err)
	}
	return name, nil
}

// checkPackageName holds names to ASCII: a package's name is also its file's, and file systems
// disagree on how other letters are spelt.
func checkPackageName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("nothing is left of it")
	case name[0] >= '0' && name[0] <= '9':
		return fmt.Errorf("%q starts with a digit", name)
	case name == "main":
		return fmt.Errorf("a package main cannot be imported")
	case token.IsKeyword(name):
		return fmt.Errorf("%q is a Go keyword", name)
	}
	for _, r := range name {
		if !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9') {
			return fmt.Errorf("%q holds %q, want letters a to z and digits", name, r)
		}
	}
	return nil
}
