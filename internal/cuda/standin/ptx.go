//go:build cuda

package standin

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

var (
	isaVersion = regexp.MustCompile(`(?m)^\.version (\d+)\.(\d+)`)
	isaTarget  = regexp.MustCompile(`(?m)^\.target sm_(\d+)`)
	entryStart = regexp.MustCompile(`\.entry (\w+)\(([^)]*)\)([^{]*)\{`)
	parameter  = regexp.MustCompile(`\.param \.(?:align \d+ )?\.?[a-z](\d+)`)
	maxThreads = regexp.MustCompile(`\.(?:maxntid|reqntid) (\d+)`)
	sharedSize = regexp.MustCompile(`(?m)^\s*\.shared .*\[(\d+)\];`)
)

// ptxFacts reads from PTX what the driver does.
func ptxFacts(ptx string) (string, error) {
	version, target := isaVersion.FindStringSubmatch(ptx), isaTarget.FindStringSubmatch(ptx)
	if version == nil || target == nil {
		return "", errors.New("PTX without version or target")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "isa %s%s\ntarget %s\n", version[1], version[2], target[1])
	entries := entryStart.FindAllStringSubmatchIndex(ptx, -1)
	if entries == nil {
		return "", errors.New("PTX without an entry")
	}
	for i, e := range entries {
		end := len(ptx)
		if i+1 < len(entries) {
			end = entries[i+1][0]
		}
		entryFacts(&b, ptx[e[2]:e[3]], ptx[e[4]:e[5]], ptx[e[6]:e[7]], ptx[e[1]:end])
	}
	return b.String(), nil
}

// entryFacts writes the line of an entry, given its name, parameters, directives and body, in which its
// shared memory is declared.
func entryFacts(b *strings.Builder, name, parameters, directives, body string) {
	shared, threads := 0, "1024"
	for _, m := range sharedSize.FindAllStringSubmatch(body, -1) {
		n := 0
		fmt.Sscan(m[1], &n)
		shared += n
	}
	if m := maxThreads.FindStringSubmatch(directives); m != nil {
		threads = m[1]
	}
	fmt.Fprintf(b, "entry %s %d %s", name, shared, threads)
	for _, p := range parameter.FindAllStringSubmatch(parameters, -1) {
		if p[1] == "64" {
			b.WriteString(" 8")
		} else {
			b.WriteString(" 4")
		}
	}
	b.WriteString("\n")
}
