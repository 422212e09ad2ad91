package importer

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/parley-analytics/parley/deploy/atomicfile"
)

// File is a [Place]: the path of a file that holds the progress as JSON, readable only by its
// owner. Load creates its folder.
type File string

var _ Place = File("")

// Load implements [Place]. A file that is not JSON counts as missing.
func (f File) Load(into any) (bool, error) {
	content, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return false, os.MkdirAll(filepath.Dir(string(f)), 0o700)
	}
	if err != nil {
		return false, err
	}
	return json.Unmarshal(content, into) == nil, nil
}

// Save implements [Place].
func (f File) Save(state any) error {
	content, err := json.MarshalIndent(state, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(string(f), append(content, '\n'))
}

// Remove implements [Place]. A missing file is not an error.
func (f File) Remove() error {
	if err := os.Remove(string(f)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
