package embedded

import (
	"os"
	"syscall"
)

// selfExecutable is this binary.
func selfExecutable() (string, error) { return os.Executable() }

// changeTime is the time of the last change of the file or of what the system keeps about it, in nanoseconds.
func changeTime(stat *syscall.Stat_t) int64 { return stat.Ctimespec.Nano() }
