// Package testenv reads the environment variables by which tests are told what is wanted of them:
//
//   - BESPOKE_REQUIRE, a comma-separated list, names tools whose absence fails tests that would be skipped;
//   - BESPOKE_LONG=1 chooses the long form of tests that have one: more seeds, sizes and cases of the same kinds.
package testenv

import (
	"os"
	"slices"
	"strings"
)

// Required reports whether BESPOKE_REQUIRE names a tool.
func Required(tool string) bool {
	return slices.Contains(strings.Split(strings.ReplaceAll(os.Getenv("BESPOKE_REQUIRE"), " ", ""), ","), tool)
}

// Long reports whether tests run in their long form. It is asked while a test runs, not before: the go command takes a
// result from its cache where the environment variables are the same that the tests have read.
func Long() bool {
	v := os.Getenv("BESPOKE_LONG")
	return v != "" && v != "0"
}

// Pick returns what a test takes in its short form or in its long one.
func Pick[T any](short, long T) T {
	if Long() {
		return long
	}
	return short
}
