package embedded

import (
	"bytes"
	"os"
	"strconv"
	"strings"
)

// Bounds of ClickHouse's default memory limit, in bytes.
const (
	minClickHouseMemory     = 512 << 20
	maxClickHouseMemory     = 32 << 30
	unknownMachineMemory    = 4 << 30
	clickHouseMemoryPercent = 50
)

// defaultMaxMemory is half of the memory, in bytes, that the machine or the control group of this process has.
func defaultMaxMemory() int64 {
	share := usableMemory() / 100 * clickHouseMemoryPercent
	return min(max(share, minClickHouseMemory), maxClickHouseMemory)
}

// usableMemory is the smallest of the machine's memory and the limits of the control groups, in bytes.
func usableMemory() int64 {
	usable := machineMemory()
	if usable <= 0 {
		usable = unknownMachineMemory
	}
	for _, limit := range cgroupLimits() {
		if limit > 0 && limit < usable {
			usable = limit
		}
	}
	return usable
}

// cgroupLimits are the memory limits that hold for this process in control groups of version 2 and
// 1, in bytes. Each group up to the root counts.
func cgroupLimits() []int64 {
	content, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil
	}
	var limits []int64
	for line := range strings.Lines(string(content)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		root, file := "/sys/fs/cgroup", "memory.max"
		switch {
		case parts[0] == "0":
		case parts[1] == "memory":
			root, file = "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		for group := parts[2]; ; group = group[:strings.LastIndexByte(group, '/')] {
			limits = append(limits, readLimit(root+strings.TrimSuffix(group, "/")+"/"+file))
			if !strings.Contains(group, "/") {
				break
			}
		}
	}
	return limits
}

// readLimit returns the number in a file, 0 if there is none ("max" means no limit).
func readLimit(path string) int64 {
	content, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(content)), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
