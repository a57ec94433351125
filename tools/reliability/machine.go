//go:build linux

package main

import (
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/klauspost/cpuid/v2"
)

// where says on which machine and when a section was made.
func where() string {
	return fmt.Sprintf("%s, %d cores, %s, %s", strings.TrimSpace(cpuid.CPU.BrandName), runtime.NumCPU(), runtime.Version(),
		time.Now().UTC().Format(time.DateOnly))
}
