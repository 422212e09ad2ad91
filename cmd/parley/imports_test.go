package main

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/parley-analytics/parley/"

// mayImport is the table of what packages of this module a package may import,
// below the module's path. The longest row that is the package, or a folder above
// it, counts. An entry that ends with /... covers everything below it too.
var mayImport = map[string][]string{
	"cmd/parley":               {"cmd/...", "schema/...", "ingest/...", "projector/...", "query/...", "deploy/atomicfile", "deploy/embedded"},
	"cmd/internal":             {"cmd/internal/...", "schema/...", "ingest/...", "projector/...", "query/...", "deploy/embedded"},
	"cmd/internal/backup":      {"deploy/atomicfile", "ingest/eventlog", "schema"},
	"cmd/internal/demo":        {"ingest/client", "schema"},
	"cmd/internal/certificate": {},
	// The one way to open the log and the tables: see TestEnginesAreOpenedInOnePlace.
	"cmd/internal/engines": {"cmd/internal/certificate", "cmd/internal/crash", "cmd/internal/process", "cmd/internal/readiness", "deploy/atomicfile", "deploy/embedded", "ingest/eventlog", "projector/history", "projector/sink", "projector/tables", "query/store", "schema"},

	"schema": {"schema/..."},

	"ingest":                 {"ingest/...", "schema/..."},
	"ingest/eventlog":        {"ingest/eventlog/record", "schema/..."},
	"ingest/importer":        {"ingest/...", "schema/...", "deploy/atomicfile"},
	"ingest/eventlog/lease":  {"ingest/eventlog"},
	"ingest/eventlog/record": {"schema"},
	"ingest/outgoing":        {"ingest/eventlog", "ingest/eventlog/lease", "projector/fold", "schema/..."}, // the fold is a leaf

	"projector":            {"projector/fold", "schema"}, // the loop, and its ports
	"projector/fold":       {"schema"},                   // pure: see leaves
	"projector/fold/cells": {"projector/fold", "schema"},
	"projector/tables":     {"schema/..."}, // everything in ClickHouse but batches and queries
	"projector/sink":       {"projector", "projector/fold/...", "projector/tables", "schema/..."},
	"projector/history":    {"projector", "projector/tables", "schema"},
	"projector/merge":      {"projector", "projector/tables"},
	"projector/lead":       {"projector", "projector/history", "projector/merge", "projector/tables", "schema/..."},
	"projector/replay":     {"projector", "projector/fold", "projector/history", "projector/merge", "projector/tables", "schema/..."}, // the versions of fold and tables that a build was made with
	"projector/retention":  {"schema"},
	"projector/quarantine": {"projector/tables", "schema"},
	"projector/erase":      {"projector", "projector/fold", "projector/sink", "projector/tables", "schema"},
	"projector/reference":  {"projector/fold", "schema"}, // for its types only: the oracle is independent
	"projector/foldtest":   {"schema"},
	"projector/porttest":   {"projector", "projector/fold", "projector/foldtest", "schema"},

	"query":           {"query/...", "projector/fold/...", "schema/..."}, // the fold is a leaf: nothing else of the projector comes with it
	"query/store":     {"query/...", "projector/fold/...", "schema/..."}, // rows as of an earlier position are folded
	"query/auth":      {"query/...", "schema/..."},
	"query/transport": {"query/...", "schema/..."},

	"deploy/atomicfile": {},
	"deploy/embedded":   {"deploy/atomicfile", "deploy/embedded/...", "schema/clickhouse"}, // the views and the columns that their users may read

	// Engines for tests, in packages that only tests use.
	"query/store/storetest": {"query/...", "schema/...", "deploy/embedded/enginetest"},
}

// allows reports whether an entry of the table covers a package.
func allows(entry, path string) bool {
	if folder, all := strings.CutSuffix(entry, "/..."); all {
		return below(path, folder)
	}
	return path == entry
}

// onlyIn names the packages that may use a module of others; every other
// package of ours may not.
var onlyIn = map[string][]string{
	"github.com/nats-io/nats.go":             {"ingest/eventlog", "deploy/embedded", "cmd/internal/bench"}, // the second hands out a connection in the process, the last measures it
	"github.com/nats-io/nats-server":         {"deploy/embedded", "ingest/eventlog"},                       // the second uses the format of its snapshots
	"github.com/ebitengine/purego":           {"deploy/embedded"},
	"github.com/ClickHouse/clickhouse-go":    {"projector/tables", "projector/sink", "query/store"}, // so that driver.Conn is named there only
	"github.com/ClickHouse/ch-go":            {"projector/sink", "query/store"},
	"github.com/graph-gophers/graphql-go":    {"query", "cmd/parley"},
	"github.com/alecthomas/kong":             {"cmd/parley", "cmd/internal/settings"},
	"github.com/schollz/progressbar":         {"cmd/internal/progress"},
	"github.com/testcontainers":              {},
	"github.com/stretchr/testify":            {},
	"github.com/cloudevents/sdk-go":          {},
	"github.com/golang-jwt/jwt":              {"query/auth"},
	"github.com/coreos/go-oidc":              {"query/auth"},
	"go.opentelemetry.io/otel/exporters":     {"cmd/parley"},
	"github.com/santhosh-tekuri/jsonschema":  {},
	"github.com/modelcontextprotocol/go-sdk": {"query/agents"},
}

// leaves are the packages that depend on nothing but the standard library, the
// packages of their row in mayImport, and these modules.
var leaves = map[string][]string{
	"schema":         {},
	"projector/fold": {"github.com/shopspring/decimal"},
}

type listed struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
}

func listPackages(t *testing.T) []listed {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Standard,Imports,Deps", "./...")
	command.Dir = "../.."
	out, err := command.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v: %s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var all []listed
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func below(path, parent string) bool { return path == parent || strings.HasPrefix(path, parent+"/") }

func TestPackagesImportOnlyWhatTheTableAllows(t *testing.T) {
	standard := make(map[string]bool)
	ours := 0
	for _, p := range listPackages(t) {
		standard[p.ImportPath] = p.Standard
		name, own := strings.CutPrefix(p.ImportPath, module)
		if !own {
			continue
		}
		ours++
		rule := ""
		for path := range mayImport {
			if below(name, path) && len(path) > len(rule) {
				rule = path
			}
		}
		if rule == "" {
			t.Errorf("%s stands in no row of the table", name)
			continue
		}
		for _, imported := range p.Imports {
			if imported == "C" {
				t.Errorf("%s uses cgo", name)
			}
			if of, own := strings.CutPrefix(imported, module); own {
				if !slices.ContainsFunc(mayImport[rule], func(entry string) bool { return allows(entry, of) }) {
					t.Errorf("%s imports %s", name, of)
				}
				continue
			}
			for theirs, users := range onlyIn {
				if below(imported, theirs) && !slices.ContainsFunc(users, func(path string) bool { return below(name, path) }) {
					t.Errorf("%s imports %s, which only %v may", name, imported, users)
				}
			}
		}
		// However far the way round is.
		for _, dependency := range p.Deps {
			of, own := strings.CutPrefix(dependency, module)
			for leaf, theirs := range leaves {
				if below(name, leaf) && !own && !standard[dependency] && !slices.Contains(theirs, dependency) {
					t.Errorf("%s depends on %s, and may on the standard library and %v only", name, dependency, theirs)
				}
			}
			for _, role := range []string{"ingest", "projector", "query"} {
				if !own || !below(name, role) {
					continue
				}
				for _, other := range []string{"ingest", "projector", "query", "cmd"} {
					if other != role && below(of, other) && !below(of, "projector/fold") {
						t.Errorf("%s depends on %s", name, of)
					}
				}
			}
		}
	}
	if ours < 10 {
		t.Fatalf("only %d packages of ours were looked at", ours)
	}
}

// statement is SQL in a string of Go.
var statement = regexp.MustCompile("[`\"](SELECT|INSERT INTO|ALTER|CREATE (DATABASE|MATERIALIZED|OR REPLACE|TABLE|VIEW)|DELETE FROM|DROP|EXCHANGE|KILL|OPTIMIZE|RENAME|TRUNCATE|WITH) ")

// eachSource calls do with every Go file of a folder that is not a test.
func eachSource(t *testing.T, root string, do func(path string, lines []string)) {
	t.Helper()
	eachFile(t, root, func(path string, lines []string) {
		if !strings.HasSuffix(path, "_test.go") {
			do(path, lines)
		}
	})
}

// eachFile calls do with every Go file of a folder.
func eachFile(t *testing.T, root string, do func(path string, lines []string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == "node_modules":
			return fs.SkipDir
		case entry.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		source, err := os.ReadFile(path)
		if err == nil {
			do(strings.TrimPrefix(filepath.ToSlash(path), "../../"), strings.Split(string(source), "\n"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestStatementsAreFiles looks for SQL in Go sources. Tests may hold some, and so
// may the harnesses in cmd/internal, which look at tables from outside.
func TestStatementsAreFiles(t *testing.T) {
	seen := 0
	for _, root := range roots {
		eachSource(t, root, func(path string, lines []string) {
			if below(path, "cmd/internal") || forTests.MatchString(path) {
				return
			}
			seen++
			for n, line := range lines {
				if statement.MatchString(line) {
					t.Errorf("%s:%d holds a statement: move it into a .sql file behind a typed method", path, n+1)
				}
			}
		})
	}
	if seen < 100 {
		t.Fatalf("only %d files were looked at", seen)
	}
}

// opening is a call that opens the log or the tables.
var opening = regexp.MustCompile(`\b(eventlog\.Open|sink\.Dial|store\.Open|embedded\.(?:Start|Launch)\w+|embedded\.Load\w*Credentials)\(`)

// TestEnginesAreOpenedInOnePlace looks for commands and roles with a way of their own
// to the engines.
func TestEnginesAreOpenedInOnePlace(t *testing.T) {
	opened := false
	eachSource(t, "../../cmd/internal/engines", func(_ string, lines []string) {
		opened = opened || slices.ContainsFunc(lines, opening.MatchString)
	})
	if !opened {
		t.Error("package engines opens nothing")
	}
	eachSource(t, ".", func(path string, lines []string) {
		for n, line := range lines {
			if opening.MatchString(line) {
				t.Errorf("%s:%d opens an engine: package engines does that", path, n+1)
			}
		}
	})
}
