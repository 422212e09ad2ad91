package eventlog

import (
	"fmt"
	"strconv"
)

// Version is the version of the logs' format: it is raised by one with every change that an older
// binary would misread. It is stored in the metadata of each stream, and a binary that finds a
// higher one neither reads nor writes.
const Version = 2

// versionKey is the name of the version in a stream's metadata.
const versionKey = "parley.version"

// NewerError reports that a log belongs to a newer binary.
type NewerError struct {
	Stream string
	Found  string // the version it is marked with
}

// Error names both versions and what to do.
func (e *NewerError) Error() string {
	return fmt.Sprintf("the log %s has version %s and this parley knows versions up to %d: run the newer parley again, or restore a backup from before it",
		e.Stream, e.Found, Version)
}

// checkVersion checks a stream's metadata. A version that is not a number counts as unknown.
func checkVersion(stream string, metadata map[string]string) error {
	found := metadata[versionKey]
	if n, err := strconv.Atoi(found); found != "" && (err != nil || n > Version) {
		return &NewerError{Stream: stream, Found: found}
	}
	return nil
}
