package clickhouse

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Version is the version of the tables: it is raised by one with every change
// that an older binary would not keep to, be it a new file, a column that is
// filled in another way, or another meaning of a value. A server is marked with
// it before anything of a version is applied, and a binary that finds a higher
// one does nothing.
const Version = 7

// VersionName is the row of parley_meta.migrations with the version, where
// files have their checksum.
const VersionName = "version"

// NewerError reports that the tables belong to a newer binary.
type NewerError struct {
	Found uint32 // the version they are marked with
	File  string // one that was applied and is not known here; may be empty
}

// Error names both versions and what to do.
func (e *NewerError) Error() string {
	const remedy = "run the newer parley again, or restore a backup from before it"
	if e.Found <= Version {
		return fmt.Sprintf("the ClickHouse tables are newer than this parley, which knows version %d: %s was applied to them; %s", Version, e.File, remedy)
	}
	return fmt.Sprintf("the ClickHouse tables have version %d and this parley knows versions up to %d: %s", e.Found, Version, remedy)
}

// Marked returns the version that tables are marked with, 0 for none, from what
// parley_meta.migrations says was applied: checksums by name. It is a
// [*NewerError] where they belong to a newer binary.
func Marked(applied map[string]string) (uint32, error) {
	n, _ := strconv.ParseUint(applied[VersionName], 10, 32) // nothing reads as 0
	found := uint32(n)
	if found > Version {
		return found, &NewerError{Found: found}
	}
	known := slices.Concat(Meta(), Projection(1))
	for name := range applied {
		file, isFile := fileOf(name)
		if isFile && !slices.ContainsFunc(known, func(f File) bool { return f.Name == file }) {
			return found, &NewerError{Found: found, File: name}
		}
	}
	return found, nil
}

// fileOf returns the file of a name in migrations that is one of a file.
func fileOf(name string) (string, bool) {
	if strings.HasPrefix(name, "meta/") {
		return name, true
	}
	database, file, found := strings.Cut(name, "/")
	return file, found && strings.HasPrefix(database, "parley_") && strings.HasPrefix(file, "projection/")
}
