package embedded

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/parley-analytics/parley/deploy/atomicfile"
)

// ErrWrongLibrary is wrapped in the error of VerifyLibrary if a file is not the build that this package requires.
var ErrWrongLibrary = errors.New("not the ClickHouse library that this parley was built for")

// VerifyLibrary returns nil if path is, byte for byte, the build for this platform. Reading the
// file takes about half a second, so a file that passed is recorded in stampDir by path, size,
// change time and inode, and is not read again until one of them changes; with an empty stampDir
// nothing is recorded. A process that can write to stampDir can also write to the data.
func VerifyLibrary(path, stampDir string) error {
	return verifyLibrary(path, stampDir, libraries[runtime.GOOS+"/"+runtime.GOARCH])
}

func verifyLibrary(path, stampDir string, want library) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoLibrary, err)
	}
	if info.Size() != want.size {
		return wrongLibrary(path, fmt.Sprintf("it has %d bytes instead of %d", info.Size(), want.size))
	}
	stamp := libraryStamp(path, info, want)
	stampFile := filepath.Join(stampDir, "library.verified")
	if stampDir != "" {
		if seen, err := os.ReadFile(stampFile); err == nil && bytes.Equal(seen, stamp) {
			return nil
		}
	}
	got, err := hashFile(path)
	if err != nil {
		return fmt.Errorf("clickhouse library: %w", err)
	}
	if got != want.sha256 {
		return wrongLibrary(path, fmt.Sprintf("its SHA-256 is %s instead of %s", got, want.sha256))
	}
	if stampDir == "" {
		return nil
	}
	if err := os.MkdirAll(stampDir, 0o700); err != nil {
		return fmt.Errorf("clickhouse library: %w", err)
	}
	if err := atomicfile.Write(stampFile, stamp); err != nil {
		return fmt.Errorf("clickhouse library: %w", err)
	}
	return nil
}

func wrongLibrary(path, why string) error {
	return fmt.Errorf("%w: %s: %s: get version %s with `make engine`", ErrWrongLibrary, path, why, LibraryVersion)
}

func libraryStamp(path string, info os.FileInfo, want library) []byte {
	var inode, changed int64
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		inode, changed = int64(stat.Ino), changeTime(stat)
	}
	return fmt.Appendf(nil, "%s\n%d %d %d %d %s\n", path, info.Size(), info.ModTime().UnixNano(), changed, inode, want.sha256)
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.CopyBuffer(h, struct{ io.Reader }{f}, make([]byte, 1<<20)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
