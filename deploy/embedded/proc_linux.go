package embedded

import "syscall"

// selfExecutable returns the path of this binary; it works even after the file has been replaced or removed.
func selfExecutable() (string, error) { return "/proc/self/exe", nil }

// changeTime returns the time of the last change of the file or its metadata (ctime), in nanoseconds.
func changeTime(stat *syscall.Stat_t) int64 { return stat.Ctim.Nano() }
