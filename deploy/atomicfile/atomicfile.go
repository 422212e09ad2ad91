// Package atomicfile replaces files as a whole: a reader finds the old contents or
// the new ones, and so does the next start after a crash.
package atomicfile

import (
	"io"
	"os"
	"path/filepath"
)

// Write replaces a file, which only its owner may read and write (mode 0600), with
// content. See [Stream].
func Write(path string, content []byte) error {
	return Stream(path, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// Stream replaces a file as [Write] does, with what write writes. That goes to a
// file beside it with a name of its own, is synced, and then takes the name; the
// directory is synced last. Where anything fails the old file stays, unless it was
// the last step. Of several writers at a time one wins.
func Stream(path string, write func(io.Writer) error) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // it is gone when all went well
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

// syncDirectory forces the names in a directory to disk.
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
