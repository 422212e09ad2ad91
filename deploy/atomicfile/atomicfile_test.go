package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestAFileIsReplacedAsAWholeAndPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.json")
	if err := os.WriteFile(path, []byte("an older and longer file"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, []byte("new")); err != nil {
		t.Fatal(err)
	}
	want(t, path, "new")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestAFailedWriteLeavesTheFileUnchanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.json")
	if err := Write(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	failure := errors.New("no more")
	err := Stream(path, func(w io.Writer) error {
		_, _ = w.Write([]byte("half"))
		want(t, path, "old")
		return failure
	})
	if !errors.Is(err, failure) {
		t.Errorf("error %v", err)
	}
	want(t, path, "old")
	if err := Write(filepath.Join(path, "below-a-file"), nil); err == nil {
		t.Error("a file below a file was written")
	}
}

func TestConcurrentWritersLeaveOneOfTheirFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.json")
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			if err := Write(path, fmt.Appendf(nil, "%d%d%d", n, n, n)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	content, err := os.ReadFile(path)
	if err != nil || len(content) != 3 || content[0] != content[1] || content[1] != content[2] {
		t.Errorf("%q, %v", content, err)
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 1 {
		t.Errorf("files are left behind: %v, %v", files, err)
	}
}

func want(t *testing.T, path, content string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != content {
		t.Errorf("%q, %v; want %q", got, err, content)
	}
}
