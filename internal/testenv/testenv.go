// Package testenv reads the environment variables that tell tests what to do:
//
//   - BESPOKE_REQUIRE, a list separated by commas, names tools whose absence fails tests that would otherwise be
//     skipped;
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

// Long reports whether tests run in their long form. Tests call it while they run, not before. The go command
// takes a result from its cache if the environment variables are the same that the tests have read.
func Long() bool {
	v := os.Getenv("BESPOKE_LONG")
	return v != "" && v != "0"
}

// Pick returns short in the short form of tests and long in the long form.
func Pick[T any](short, long T) T {
	if Long() {
		return long
	}
	return short
}
