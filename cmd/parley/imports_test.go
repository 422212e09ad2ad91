package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/parley-analytics/parley/"

// mayImport is the table of what packages of this module a package may import,
// below the module's path. A path stands for everything below it, and the
// longest path that fits a package counts. Each may import what is below it.
var mayImport = map[string][]string{
	"cmd/parley":        {"cmd", "schema", "ingest", "projector", "query", "deploy/embedded"},
	"cmd/internal":      {"cmd/internal", "schema", "ingest", "projector", "query", "deploy/embedded"},
	"cmd/internal/demo": {"schema"},

	"schema": {},

	"ingest":          {"schema"},
	"ingest/eventlog": {"schema"},

	"projector":         {"schema"},
	"projector/fold":    {"schema"},
	"projector/sink":    {"projector", "schema"},
	"projector/rebuild": {"projector", "schema"},

	"query":           {"projector/fold", "schema"}, // the fold is a leaf: no part of the projector comes with it
	"query/store":     {"query", "schema"},
	"query/auth":      {"query", "schema"},
	"query/transport": {"query", "schema"},

	"deploy/embedded": {},

	// Engines for tests, in packages that only tests use.
	"query/store/storetest": {"query", "schema", "deploy/embedded/enginetest"},
}

// onlyIn names the packages that may use a module of others; every other
// package of ours may not.
var onlyIn = map[string][]string{
	"github.com/nats-io/nats.go":            {"ingest/eventlog", "deploy/embedded", "cmd/internal/bench"}, // the second hands out a connection in the process, the last measures it
	"github.com/nats-io/nats-server":        {"deploy/embedded"},
	"github.com/ebitengine/purego":          {"deploy/embedded"},
	"github.com/ClickHouse/clickhouse-go":   {"projector/sink", "projector/rebuild", "projector/quarantine", "projector/erase", "query/store", "cmd/parley", "cmd/internal/bench"},
	"github.com/graph-gophers/graphql-go":   {"query", "cmd/parley"},
	"github.com/alecthomas/kong":            {"cmd/parley"},
	"github.com/schollz/progressbar":        {"cmd/parley"},
	"github.com/testcontainers":             {},
	"github.com/stretchr/testify":           {},
	"github.com/cloudevents/sdk-go":         {},
	"github.com/golang-jwt/jwt":             {"query/auth"},
	"github.com/coreos/go-oidc":             {"query/auth"},
	"go.opentelemetry.io/otel/exporters":    {"cmd/parley"},
	"github.com/santhosh-tekuri/jsonschema": {},
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
				allowed := below(of, rule) || slices.ContainsFunc(mayImport[rule], func(path string) bool { return below(of, path) })
				if !allowed {
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
