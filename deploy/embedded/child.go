package embedded

import (
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"github.com/ebitengine/purego"
)

const (
	// childEnv makes this binary run as ClickHouse: its value is the path of the library.
	childEnv = "PARLEY_CLICKHOUSE_CHILD"
	// lifeFD is the read end of a pipe whose other end only the parent holds.
	lifeFD = 3
	// orphanGrace is how long a child whose parent has exited may take to flush and close its tables.
	orphanGrace = 15 * time.Second
	// startDeath is the exit code of a child that could not load or run the library.
	startDeath = 3
)

// IsChild reports whether StartClickHouse started this process as ClickHouse. Then main only calls
// ChildMain, before it parses flags or opens anything.
func IsChild() bool { return os.Getenv(childEnv) != "" }

// ChildMain is the ClickHouse process: it loads the library and runs it until standard input ends. It does not return.
func ChildMain() {
	go outlive()
	// A core file would hold personal data.
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
	os.Exit(runLibrary(os.Getenv(childEnv), os.Args[1:]))
}

// outlive ends this process some time after the parent has exited. The library normally exits when its standard input is closed,
// after it has stopped its queries and closed its tables; this covers the case in which it does not.
func outlive() {
	var b [1]byte
	life := os.NewFile(lifeFD, "life")
	if life == nil {
		return
	}
	for {
		if _, err := life.Read(b[:]); err != nil {
			break
		}
	}
	<-time.After(orphanGrace)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
}

// runLibrary runs `clickhouse local` with the arguments and returns the exit code.
func runLibrary(path string, arguments []string) int {
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot load the ClickHouse library:", err)
		return startDeath
	}
	var (
		run      func(int32, unsafe.Pointer) uintptr
		errorOf  func(uintptr) string
		bufferOf func(uintptr) unsafe.Pointer
		lengthOf func(uintptr) uintptr
	)
	purego.RegisterLibFunc(&run, handle, "chdb_query_cmdline")
	purego.RegisterLibFunc(&errorOf, handle, "chdb_result_error")
	purego.RegisterLibFunc(&bufferOf, handle, "chdb_result_buffer")
	purego.RegisterLibFunc(&lengthOf, handle, "chdb_result_length")

	argv := make([]*byte, 0, len(arguments)+2)
	for _, argument := range append([]string{"clickhouse"}, arguments...) {
		b := append([]byte(argument), 0)
		argv = append(argv, &b[0])
	}
	argv = append(argv, nil)

	result := run(int32(len(argv)-1), unsafe.Pointer(&argv[0]))
	if result == 0 {
		fmt.Fprintln(os.Stderr, "ClickHouse returned no result")
		return startDeath
	}
	if message := errorOf(result); message != "" {
		fmt.Fprintln(os.Stderr, message)
		return 1
	}
	if p, n := bufferOf(result), lengthOf(result); p != nil && n > 0 {
		_, _ = os.Stderr.Write(unsafe.Slice((*byte)(p), n))
	}
	return 0
}
