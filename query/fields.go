package query

import (
	"context"
	"strings"

	graphql "github.com/graph-gophers/graphql-go"
)

// fields are the paths selected below a field ("node.tags.name"), aliases
// resolved.
type fields []string

func selectedFields(ctx context.Context) fields { return graphql.SelectedFieldNames(ctx) }

// below returns the paths that begin with the prefix, without it.
func (f fields) below(prefix string) fields {
	var below fields
	for _, path := range f {
		if rest, ok := strings.CutPrefix(path, prefix+"."); ok {
			below = append(below, rest)
		}
	}
	return below
}

// has reports whether the path is selected.
func (f fields) has(path string) bool {
	for _, p := range f {
		if p == path {
			return true
		}
	}
	return false
}

// any reports whether one of the paths is selected.
func (f fields) any(paths ...string) bool {
	for _, p := range paths {
		if f.has(p) {
			return true
		}
	}
	return false
}

// columns returns the fields themselves, each once, without what is below them.
func (f fields) columns() []string {
	var names []string
	for _, path := range f {
		if !strings.Contains(path, ".") && !fields(names).has(path) {
			names = append(names, path)
		}
	}
	return names
}
