package eventlog

import (
	"syscall"
	"testing"
	"time"
)

// cpuTime is what the process has used so far, the server in it included. On a
// busy machine it says more than the clock.
func cpuTime(tb testing.TB) time.Duration {
	tb.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
