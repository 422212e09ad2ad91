package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// LockFile is the file LockDataDir locks in the data dir. It holds the process id of the owner, for people.
const LockFile = "lock"

// ErrLocked is wrapped in the error of LockDataDir if another process owns the data dir.
var ErrLocked = errors.New("the data dir is in use")

// Lock is the ownership of a data dir.
type Lock struct{ file *os.File }

// LockDataDir creates dir (0700) if it is missing and locks it for this process. The kernel releases it when the process ends,
// however it ends. A second owner, in this process or another, gets ErrLocked immediately.
func LockDataDir(dir string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data dir: %w", err)
	}
	path := filepath.Join(dir, LockFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data dir: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		owner := readOwner(path)
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w: %s belongs to a running parley%s: stop it, or give another --data-dir", ErrLocked, dir, owner)
		}
		return nil, fmt.Errorf("data dir: lock %s: %w", path, err)
	}
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return &Lock{file: f}, nil
}

// Unlock releases the data dir. The file stays: if it were removed, two owners could lock two files of the same name.
func (l *Lock) Unlock() error { return l.file.Close() }

func readOwner(path string) string {
	content, err := os.ReadFile(path)
	pid := strings.TrimSpace(string(content))
	if err != nil || pid == "" {
		return ""
	}
	return " (process " + pid + ")"
}
