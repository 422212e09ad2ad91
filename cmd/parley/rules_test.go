package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// roots are the folders with Go sources.
var roots = []string{"../../cmd", "../../deploy", "../../ingest", "../../projector", "../../query", "../../schema"}

const (
	mostFileLines     = 500
	mostFunctionLines = 100
)

// forTests are packages that only tests use: their functions may be tables of cases.
var forTests = regexp.MustCompile(`/\w+test/`)

func TestFilesAndFunctionsAreShort(t *testing.T) {
	for _, root := range roots {
		eachFile(t, root, func(path string, lines []string) {
			if len(lines)-1 > mostFileLines {
				t.Errorf("%s has %d lines, more than %d: it holds two concepts", path, len(lines), mostFileLines)
			}
			if strings.HasSuffix(path, "_test.go") || forTests.MatchString(path) {
				return
			}
			for _, declared := range parsed(t, path, lines).Decls {
				if f, ok := declared.(*ast.FuncDecl); ok {
					from, to := positions.Position(f.Pos()).Line, positions.Position(f.End()).Line
					if to-from+1 > mostFunctionLines {
						t.Errorf("%s:%d: %s has %d lines, more than %d", path, from, f.Name, to-from+1, mostFunctionLines)
					}
				}
			}
		})
	}
}

// vague are names of packages that say nothing of what is in them.
var vague = []string{"util", "utils", "common", "helper", "helpers", "misc", "shared", "models", "manager", "service", "base", "lib"}

func TestPackagesAreNamedAfterWhatTheyAre(t *testing.T) {
	for _, root := range roots {
		eachSource(t, root, func(path string, lines []string) {
			if name := parsed(t, path, lines).Name.Name; slices.Contains(vague, name) {
				t.Errorf("%s: package %s says nothing of what is in it", path, name)
			}
		})
	}
}

// anonymousAbility is an assertion of an interface that has no name.
var anonymousAbility = regexp.MustCompile(`\.\(interface ?\{`)

func TestOptionalAbilitiesAreNamedInterfaces(t *testing.T) {
	for _, root := range roots {
		eachSource(t, root, func(path string, lines []string) {
			for n, line := range lines {
				if anonymousAbility.MatchString(line) {
					t.Errorf("%s:%d asserts an interface without a name", path, n+1)
				}
			}
		})
	}
}

// impure are packages that no pure code needs: it has no clock, no context, no
// logger and no input or output.
var impure = []string{"context", "io/fs", "log", "log/slog", "math/rand", "math/rand/v2", "crypto/rand", "net", "net/http", "os", "sync", "syscall"}

// TestPureCodeIsPure is about what a leaf imports; TestPackagesImportOnlyWhatTheTableAllows
// is about what of other modules.
func TestPureCodeIsPure(t *testing.T) {
	for _, p := range listPackages(t) {
		name, own := strings.CutPrefix(p.ImportPath, module)
		if _, leaf := leaves[name]; !own || !leaf {
			continue
		}
		for _, imported := range p.Imports {
			if slices.Contains(impure, imported) {
				t.Errorf("%s imports %s", name, imported)
			}
		}
	}
	for leaf := range leaves {
		eachSource(t, "../../"+leaf, func(path string, lines []string) {
			for n, line := range lines {
				if strings.Contains(line, "time.Now(") || strings.Contains(line, "time.Since(") {
					t.Errorf("%s:%d looks at the clock", path, n+1)
				}
			}
		})
	}
}

var positions = token.NewFileSet()

func parsed(t *testing.T, path string, lines []string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(positions, path, strings.Join(lines, "\n"), parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return file
}
