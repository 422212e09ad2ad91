package embedded

import "syscall"

// selfExecutable is this binary even after the file has been replaced or removed.
func selfExecutable() (string, error) { return "/proc/self/exe", nil }

// changeTime is the time of the last change of the file or of what the system keeps about it, in nanoseconds.
func changeTime(stat *syscall.Stat_t) int64 { return stat.Ctim.Nano() }
