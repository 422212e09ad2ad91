package crash

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// Variable names a point of the program at which it kills itself, for the
// crash tests: AREA.POINT, or AREA.POINT:N for the N-th time it is passed. The
// areas are write (the stages of package sink: after that stage of
// a batch is on disk), replay (built, compared, offered), erase (appended,
// erased, copied, live), append (half: of an atomic batch has been sent), migrate
// (statement: of the migrations has been executed), and chatra and chat (appended:
// the events of a request are on disk, and it is not answered).
const Variable = "PARLEY_CRASH_AT"

// Point returns what to call at the points of an area, with the name of the
// point. It is nil unless the Variable names one of them.
func Point(area string) func(point string) {
	name, count, _ := strings.Cut(os.Getenv(Variable), ":")
	point, ours := strings.CutPrefix(name, area+".")
	if !ours {
		return nil
	}
	left := new(atomic.Int64)
	if n, err := strconv.ParseInt(count, 10, 64); err == nil {
		left.Store(n)
	}
	return func(passed string) {
		if passed == point && left.Add(-1) <= 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // the signal ends every thread
		}
	}
}
