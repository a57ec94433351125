//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// sample is the measurement of one run of a command: seconds, and bytes of memory.
type sample struct {
	seconds, cpu        float64
	anonymous, resident int64
}

// timed runs a command to its end.
func timed(ctx context.Context, command []string) (sample, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stderr = os.Stderr
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return sample{}, err
	}
	anonymous := make(chan int64)
	stop := make(chan struct{})
	go func() { anonymous <- watch(cmd.Process.Pid, stop) }()
	err := cmd.Wait()
	seconds := time.Since(start).Seconds()
	close(stop)
	s := sample{seconds: seconds, anonymous: <-anonymous}
	if err != nil {
		return s, err
	}
	s.cpu = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	s.resident = int64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) << 10
	return s, nil
}

// watch returns the largest amount of anonymous memory that a process was seen to have until stop. The kernel does
// not record it.
func watch(pid int, stop <-chan struct{}) (peak int64) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return peak
		case <-tick.C:
			peak = max(peak, anonymous(pid))
		}
	}
}

// anonymous returns the anonymous memory of a process, 0 if it has ended.
func anonymous(pid int) (bytes int64) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	if _, rest, ok := strings.Cut(string(status), "RssAnon:"); ok {
		_, _ = fmt.Sscan(rest, &bytes)
	}
	return bytes << 10
}
