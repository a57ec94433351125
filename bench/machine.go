package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"

	"github.com/klauspost/cpuid/v2"
)

// A machine is where a run took place.
type machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Caches string `json:"caches"`
	System string `json:"system"`
	Go     string `json:"go"`
}

func thisMachine() machine {
	cpu := cpuid.CPU
	return machine{
		CPU: fmt.Sprintf("%s, family %d model %d stepping %d, %s", strings.TrimSpace(cpu.BrandName),
			cpu.Family, cpu.Model, cpu.Stepping, hypervisor()),
		Cores:  goruntime.NumCPU(),
		Caches: caches(),
		System: goruntime.GOOS + "/" + goruntime.GOARCH + kernelRelease(),
		Go:     goruntime.Version(),
	}
}

func hypervisor() string {
	if cpuid.CPU.Supports(cpuid.HYPERVISOR) {
		return "in a virtual machine"
	}
	return "no hypervisor seen"
}

// caches lists the caches of the first core as Linux reports them.
func caches() string {
	folders, _ := filepath.Glob("/sys/devices/system/cpu/cpu0/cache/index*")
	var list []string
	for _, f := range folders {
		list = append(list, fmt.Sprintf("L%s %s %s", line(f+"/level"), strings.ToLower(line(f+"/type")), line(f+"/size")))
	}
	if len(list) == 0 {
		return "not known"
	}
	return strings.Join(list, ", ")
}

func kernelRelease() string {
	if r := line("/proc/sys/kernel/osrelease"); r != "" {
		return " " + r
	}
	return ""
}

// line returns the first line of a file, or nothing if there is no such file.
func line(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Scan()
	return s.Text()
}
