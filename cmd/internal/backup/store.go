package backup

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/parley-analytics/parley/deploy/atomicfile"
)

// Store keeps named contents: a folder, or a bucket of an object store. Names consist of parts
// separated by slashes.
//
// Put writes a content completely or not at all, and returns when it is durable. Open of a missing
// one is an [fs.ErrNotExist]. List returns the names below a prefix that ends with a slash, in no order.
type Store interface {
	Put(ctx context.Context, name string, content io.ReadSeeker) error
	Open(ctx context.Context, name string) (io.ReadCloser, error)
	List(ctx context.Context, prefix string) ([]string, error)
}

// folder is a [Store] in a directory, which only its owner can read.
type folder string

// Put creates the directories that are missing.
func (f folder) Put(_ context.Context, name string, content io.ReadSeeker) error {
	path := f.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return atomicfile.Stream(path, func(w io.Writer) error {
		_, err := io.Copy(w, content)
		return err
	})
}

// Open opens the file.
func (f folder) Open(_ context.Context, name string) (io.ReadCloser, error) {
	return os.Open(f.path(name))
}

// List walks the directory.
func (f folder) List(_ context.Context, prefix string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(f.path(prefix), func(path string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil || entry.IsDir():
			return err
		}
		name, err := filepath.Rel(string(f), path)
		if !strings.HasPrefix(entry.Name(), ".") { // a file that was interrupted
			names = append(names, filepath.ToSlash(name))
		}
		return err
	})
	return names, err
}

func (f folder) path(name string) string { return filepath.Join(string(f), filepath.FromSlash(name)) }
