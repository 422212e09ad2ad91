package main

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/parley-analytics/parley/cmd/internal/settings"
)

func model(t *testing.T) *kong.Application {
	t.Helper()
	parser, err := newParser(new(Config))
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model
}

// Every flag of every command: only services read variables, and other commands
// those that say where the servers and the data are.
func TestOnlyServicesAndAddressesReadVariables(t *testing.T) {
	addresses := []string{
		"data-dir", "listen", "nats-listen", "clickhouse-http",
		"nats-url", "nats-user", "nats-password-file", "clickhouse-url", "clickhouse-user", "clickhouse-password-file",
		"clickhouse-reader-user", "clickhouse-reader-password-file", "nats-private-user", "nats-private-password-file", "secret-key-file",
		"nats-ca", "nats-cert", "nats-key", "nats-replicas", "clickhouse-ca",
	}
	services := []string{"serve", "ingest", "project", "query"}
	// A switch that a service reads from a variable is a setting, not an action.
	switches := []string{"bi-personal-data", "mcp", "migrate", "store-text"}
	flags := 0
	for _, command := range model(t).Leaves(false) {
		service := slices.Contains(services, command.Path())
		for _, flag := range command.Flags {
			flags++
			address := slices.Contains(addresses, flag.Name)
			if len(flag.Envs) > 0 && !service && !address {
				t.Errorf("%s --%s reads %v", command.Path(), flag.Name, flag.Envs)
			}
			if len(flag.Envs) > 0 && flag.IsBool() && !slices.Contains(switches, flag.Name) {
				t.Errorf("%s --%s reads %v: a switch must be known to be a setting", command.Path(), flag.Name, flag.Envs)
			}
			if settings.FileKey(flag) != "" {
				if len(flag.Envs) > 0 || !flag.Hidden || !service {
					t.Errorf("%s --%s is a setting of the file, yet has %v", command.Path(), flag.Name, flag.Envs)
				}
				continue
			}
			if len(flag.Envs) == 0 && (address || service && !settings.CommandLineOnly(flag)) {
				t.Errorf("%s --%s reads no variable", command.Path(), flag.Name)
			}
			if !slices.Equal(flag.Envs, flag.Tag.Envs) {
				t.Errorf("%s --%s: %v and %v", command.Path(), flag.Name, flag.Envs, flag.Tag.Envs)
			}
		}
		for _, argument := range command.Positional {
			if len(argument.Tag.Envs) > 0 {
				t.Errorf("%s %s reads %v", command.Path(), argument.Name, argument.Tag.Envs)
			}
		}
	}
	for _, flag := range model(t).Flags {
		if len(flag.Envs) > 0 {
			t.Errorf("--%s reads %v whatever the command", flag.Name, flag.Envs)
		}
	}
	if flags < 300 {
		t.Errorf("only %d flags were seen", flags)
	}
}

func TestAVariableHasOneMeaning(t *testing.T) {
	seen := make(map[string]*kong.Flag)
	for _, command := range model(t).Leaves(false) {
		for _, flag := range command.Flags {
			for _, name := range flag.Envs {
				first, twice := seen[name]
				if !twice {
					seen[name] = flag
					continue
				}
				if first.Name != flag.Name || first.Default != flag.Default || first.Target.Type() != flag.Target.Type() ||
					first.Help != flag.Help || !reflect.DeepEqual(first.Group, flag.Group) {
					t.Errorf("%s is --%s (%q) and --%s of %s (%q)", name, first.Name, first.Help, flag.Name, command.Path(), flag.Help)
				}
			}
		}
	}
}

// Every switch that does something, confirms something or says where to begin
// again is given on the command line: not by a variable, and not by a file.
func TestActionsAreSaidOnTheCommandLineOnly(t *testing.T) {
	actions := []string{"yes", "undo", "repair", "restart", "dry-run", "demo"}
	for _, command := range model(t).Leaves(false) {
		for _, flag := range command.Flags {
			if slices.Contains(actions, flag.Name) && !settings.CommandLineOnly(flag) {
				t.Errorf("%s --%s is not marked as one for the command line only", command.Path(), flag.Name)
			}
		}
	}
	file := filepath.Join(t.TempDir(), "parley.yaml")
	for _, text := range []string{"yes: true\n", "erase: {yes: true}\n", "replay: {undo: true}\n", "import: {files: {restart: true}}\n", "serve: {demo: true}\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, stderr, code := runHere(t, "--config", file, "version"); code != exitUsage || !strings.Contains(stderr, "not a flag that a file may set") {
			t.Errorf("%q: exit %d, %q", text, code, stderr)
		}
	}
}

// Variables that commands once took for their flags change nothing: a value that
// cannot be parsed would be an error if it were read.
func TestVariablesOfOtherCommandsAreNotRead(t *testing.T) {
	for _, command := range model(t).Leaves(false) {
		if slices.Contains([]string{"serve", "ingest", "project", "query"}, command.Path()) {
			continue
		}
		for _, flag := range command.Flags {
			if !settings.Locates(flag) {
				t.Setenv(settings.Variable(flag), "\x01")
			}
		}
	}
	for _, name := range []string{"PARLEY_LOG_LEVEL", "PARLEY_LOG_FORMAT", "PARLEY_CONFIG"} {
		t.Setenv(name, "\x01")
	}
	dir := t.TempDir()
	for _, arguments := range [][]string{
		{"version"}, {"endpoints", "--data-dir", dir}, {"replay", "--data-dir", dir}, {"quarantine", "list", "--data-dir", dir},
		{"key", "list", "--data-dir", dir}, {"erase", "--data-dir", dir, "--project", "1", "--visitor", "v"},
	} {
		if _, stderr, code := runHere(t, arguments...); code == exitUsage || strings.Contains(stderr, "\x01") {
			t.Errorf("%v: exit %d, %q", arguments, code, stderr)
		}
	}
	if _, stderr, code := runHere(t, "query", "--data-dir", dir); code != exitUsage || !strings.Contains(stderr, "--log-") {
		t.Errorf("a service does not read PARLEY_LOG_LEVEL: exit %d, %q", code, stderr)
	}
}
