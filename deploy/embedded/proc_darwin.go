package embedded

import (
	"os"
	"syscall"
)

// selfExecutable returns the path of this binary.
func selfExecutable() (string, error) { return os.Executable() }

// changeTime returns the time of the last change of the file or its metadata (ctime), in nanoseconds.
func changeTime(stat *syscall.Stat_t) int64 { return stat.Ctimespec.Nano() }
