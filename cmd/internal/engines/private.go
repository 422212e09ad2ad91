package engines

import (
	"encoding/json"
	"os"
	"path/filepath"
)

// WritePrivately replaces a file of the data dir as a whole, readable by its
// owner only: a reader finds the old contents or the new ones.
func WritePrivately(path string, value any) error {
	content, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return writePrivateText(path, string(content)+"\n")
}

func writePrivateText(path, content string) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err = f.WriteString(content); err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}
