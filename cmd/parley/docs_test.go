package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link = regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)]*)?\)`)
	// path is a path of the repository in back quotes, whose folder is one of the
	// top level. What holds a placeholder, a space or a wildcard is none.
	path = regexp.MustCompile("`((?:cmd|deploy|ingest|projector|query|schema)/[A-Za-z0-9_./-]+)`")
)

// TestDocumentsNameWhatExists follows every relative link and every path in the
// Markdown of the repository.
func TestDocumentsNameWhatExists(t *testing.T) {
	const top = "../.."
	documents, followed := 0, 0
	err := filepath.WalkDir(top, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git" || entry.Name() == ".build"):
			return fs.SkipDir
		case entry.IsDir() || filepath.Ext(file) != ".md":
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		documents++
		exists := func(from, name string) {
			followed++
			if _, err := os.Stat(filepath.Join(from, filepath.FromSlash(name))); err != nil {
				t.Errorf("%s names %s, which does not exist", strings.TrimPrefix(filepath.ToSlash(file), top+"/"), name)
			}
		}
		for _, found := range link.FindAllSubmatch(text, -1) {
			if name := string(found[1]); !strings.Contains(name, "://") {
				exists(filepath.Dir(file), name)
			}
		}
		for _, found := range path.FindAllSubmatch(text, -1) {
			exists(top, string(found[1]))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if documents < 8 || followed < 50 {
		t.Fatalf("only %d documents and %d names were looked at", documents, followed)
	}
}
