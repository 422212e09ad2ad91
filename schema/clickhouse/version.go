package clickhouse

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Version is the version of the tables. It is raised by one with every change that an older binary
// would not respect: a new file, a column that is filled differently, a value with a new meaning.
// The server is marked with the version before anything of it is applied, and a binary that finds a
// higher one does nothing.
const Version = 18

// VersionName is the row of parley_meta.migrations with the version, where
// files have their checksum.
const VersionName = "version"

// NewerError reports that the tables belong to a newer binary.
type NewerError struct {
	Found uint32 // the version they are marked with
	File  string // an applied file that this binary does not know; may be empty
}

// Error names both versions and what to do.
func (e *NewerError) Error() string {
	const remedy = "run the newer parley again, or restore a backup from before it"
	if e.Found <= Version {
		return fmt.Sprintf("the ClickHouse tables are newer than this parley, which knows version %d: %s was applied to them; %s", Version, e.File, remedy)
	}
	return fmt.Sprintf("the ClickHouse tables have version %d and this parley knows versions up to %d: %s", e.Found, Version, remedy)
}

// Marked returns the version that the tables are marked with, 0 for none, from the checksums by
// name in parley_meta.migrations. The error is a [*NewerError] if the tables belong to a newer
// binary.
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

// Unapplied returns the files that were not applied, of [MetaDatabase] and of a projection, from the
// checksums by name in parley_meta.migrations.
func Unapplied(applied map[string]string, version uint32) []string {
	var missing []string
	note := func(prefix string, files []File) {
		for _, f := range files {
			if _, done := applied[prefix+f.Name]; !done {
				missing = append(missing, prefix+f.Name)
			}
		}
	}
	note("", Meta())
	note(ProjectionDatabase(version)+"/", Projection(version))
	return missing
}

// PendingError names what a server lacks.
type PendingError struct{ Missing []string }

// Error lists what is missing.
func (e *PendingError) Error() string {
	return "the ClickHouse tables are not up to date; missing or changed: " + strings.Join(e.Missing, ", ") +
		" (serve and project apply them at start, unless started with --no-migrate; GET /readyz shows the progress)"
}

// fileOf returns the file for a name in migrations, if the name is a file's.
func fileOf(name string) (string, bool) {
	if strings.HasPrefix(name, "meta/") {
		return name, true
	}
	database, file, found := strings.Cut(name, "/")
	return file, found && strings.HasPrefix(database, "parley_") && strings.HasPrefix(file, "projection/")
}
