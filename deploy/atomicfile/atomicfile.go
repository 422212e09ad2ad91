// Package atomicfile replaces files atomically: a reader, or the next start after a crash, finds
// either the old contents or the new ones.
package atomicfile

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Write replaces a file with content; only its owner may read and write it (mode 0600). See [Stream].
func Write(path string, content []byte) error {
	return Stream(path, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// Stream replaces a file as [Write] does, with what write writes. The content goes to a temporary
// file in the same directory, which is synced and then renamed; the directory is synced last. If
// any step but the last fails, the old file stays. Of several concurrent writers, one wins.
func Stream(path string, write func(io.Writer) error) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // already renamed if everything succeeded
	if err = write(file); err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err == nil {
		err = syncDirectory(filepath.Dir(path))
	}
	return err
}

// SyncTree forces everything below a directory to disk, with the name of the directory itself.
func SyncTree(root string) error {
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() && !entry.Type().IsRegular() {
			return err
		}
		return syncDirectory(path)
	})
	if err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(root))
}

// syncDirectory forces the names in a directory to disk, or the contents of a file.
func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	err = directory.Sync()
	if closed := directory.Close(); err == nil {
		err = closed
	}
	return err
}
