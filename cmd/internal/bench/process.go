package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// cost is processor time in seconds.
type cost struct{ self, child float64 }

func (c cost) minus(d cost) cost { return cost{c.self - d.self, c.child - d.child} }
func (c cost) plus(d cost) cost  { return cost{c.self + d.self, c.child + d.child} }

// spent is what this process and its ClickHouse have used up to now.
func (r *rig) spent() cost {
	var c cost
	var own syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &own) == nil {
		c.self = float64(own.Utime.Nano()+own.Stime.Nano()) / 1e9
	}
	if r.clickHouse != nil {
		c.child, _ = processorTime(r.clickHouse.PID())
	}
	return c
}

// ticksPerSecond is the unit of /proc/PID/stat on Linux.
const ticksPerSecond = 100

// processorTime is what a process has used, in seconds.
func processorTime(pid int) (float64, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(content), ") ") // the name may hold anything
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat has too few fields", pid)
	}
	user, err := strconv.ParseFloat(fields[11], 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseFloat(fields[12], 64)
	return (user + system) / ticksPerSecond, err
}

// residentPeak is the most memory a process has had, in MiB.
func residentPeak(pid int) (float64, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(content)) {
		if rest, found := strings.CutPrefix(line, "VmHWM:"); found {
			kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kib / 1024, err
		}
	}
	return 0, fmt.Errorf("/proc/%d/status names no peak", pid)
}
