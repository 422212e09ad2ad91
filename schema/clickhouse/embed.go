package clickhouse

import (
	"embed"
	"fmt"
	"path"
	"strings"
)

//go:embed meta/*.sql projection/*.sql finished/*.sql views/*.sql
var files embed.FS

// The databases with fixed names.
const (
	// MetaDatabase records which files were applied and which projection is live.
	MetaDatabase = "parley_meta"
	// ViewDatabase holds only the stable names.
	ViewDatabase = "parley"
)

// ProjectionDatabase names the database of a projection's tables.
func ProjectionDatabase(version uint32) string { return fmt.Sprintf("parley_%d", version) }

// File is one numbered file: a single statement.
type File struct {
	Name      string // folder and file, e.g. "projection/0001_conversations.sql"
	Statement string
}

// Table is the table that a file of [Finished] makes.
func (f File) Table() string { return strings.TrimSuffix(path.Base(f.Name), ".sql") }

// Meta returns the statements that create the tables of [MetaDatabase], in order.
func Meta() []File { return read("meta") }

// Projection returns the statements that create the tables of a projection in its
// database, in order.
func Projection(version uint32) []File { return of(version, "projection") }

// Finished returns the statements that create the tables of an empty projection in its database as
// those of [Projection] leave them, one for each table.
func Finished(version uint32) []File { return of(version, "finished") }

func of(version uint32, folder string) []File {
	list := read(folder)
	for i := range list {
		list[i].Statement = strings.ReplaceAll(list[i].Statement, placeholder, ProjectionDatabase(version))
	}
	return list
}

// read returns the files of a folder, ascending by name, as embedding lists them.
func read(folder string) []File {
	entries, err := files.ReadDir(folder)
	if err != nil {
		panic(err) // the folders are part of the binary
	}
	list := make([]File, len(entries))
	for i, entry := range entries {
		name := path.Join(folder, entry.Name())
		content, err := files.ReadFile(name)
		if err != nil {
			panic(err)
		}
		list[i] = File{Name: name, Statement: strings.TrimSpace(string(content))}
	}
	return list
}
