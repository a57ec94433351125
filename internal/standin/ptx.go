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
	shared := 0 // of all entries together, which is no less than that of each
	for _, m := range sharedSize.FindAllStringSubmatch(ptx, -1) {
		n := 0
		fmt.Sscan(m[1], &n)
		shared += n
	}
	var b strings.Builder
	fmt.Fprintf(&b, "isa %s%s\ntarget %s\n", version[1], version[2], target[1])
	entries := entryStart.FindAllStringSubmatch(ptx, -1)
	if entries == nil {
		return "", errors.New("PTX without an entry")
	}
	for _, e := range entries {
		threads := "1024"
		if m := maxThreads.FindStringSubmatch(e[3]); m != nil {
			threads = m[1]
		}
		fmt.Fprintf(&b, "entry %s %d %s", e[1], shared, threads)
		for _, p := range parameter.FindAllStringSubmatch(e[2], -1) {
			if p[1] == "64" {
				b.WriteString(" 8")
			} else {
				b.WriteString(" 4")
			}
		}
		b.WriteString("\n")
	}
	return b.String(), nil
}
