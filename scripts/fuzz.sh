#!/bin/sh
# Runs every fuzz target of the module, or of some packages, for the given time each.
# Usage: fuzz.sh TIME [PACKAGE...]
set -eu
time=$1
shift
go=${GO:-go}
for package in $($go list "${@:-./...}"); do
	for target in $($go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		echo "$package $target"
		$go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 10x "$package"
	done
done
