package engines

import (
	"encoding/json"

	"github.com/parley-analytics/parley/deploy/atomicfile"
)

// WritePrivately replaces a file with a JSON value: see [atomicfile.Write].
func WritePrivately(path string, value any) error {
	content, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(path, append(content, '\n'))
}
