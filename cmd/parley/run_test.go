package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// runHere runs a command in this process.
func runHere(t *testing.T, arguments ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errors bytes.Buffer
	code = run(t.Context(), arguments, strings.NewReader(""), &out, &errors)
	return out.String(), errors.String(), code
}

func TestHelpNamesEveryCommand(t *testing.T) {
	for _, arguments := range [][]string{nil, {"--help"}} {
		stdout, _, code := runHere(t, arguments...)
		for _, name := range []string{"serve", "ingest", "project", "query", "demo", "user", "key", "endpoints", "doctor", "version"} {
			if !strings.Contains(stdout, name) {
				t.Errorf("help does not name %s:\n%s", name, stdout)
			}
		}
		if code != exitOK {
			t.Errorf("exit %d", code)
		}
	}
}

func TestWrongFlagsAreUsageErrors(t *testing.T) {
	for _, arguments := range [][]string{
		{"unknown"}, {"serve", "--sync", "sometimes"}, {"version", "--nothing"}, {"demo", "--history", "long"}, {"key", "add"},
	} {
		if _, stderr, code := runHere(t, arguments...); code != exitUsage || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%v: exit %d, %q", arguments, code, stderr)
		}
	}
}

func TestVersionNamesTheEngines(t *testing.T) {
	stdout, _, code := runHere(t, "version")
	if code != exitOK || !strings.HasPrefix(stdout, "parley ") || !strings.Contains(stdout, "ClickHouse 26.7") {
		t.Errorf("exit %d, %q", code, stdout)
	}
}

// dirOf shows which data dir a command works with: that of its error.
func dirOf(t *testing.T, arguments ...string) string {
	t.Helper()
	_, stderr, _ := runHere(t, append(arguments, "endpoints")...)
	_, rest, _ := strings.Cut(stderr, "running on ")
	dir, _, _ := strings.Cut(rest, ":")
	return dir
}

func TestFlagsWinOverEnvironmentOverFileOverDefaults(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "parley.yaml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("data-dir: /in/file\nlog-level: warn\n")

	if dir := dirOf(t); filepath.Base(dir) != "parley-data" {
		t.Errorf("default: %q", dir)
	}
	if dir := dirOf(t, "--config", file); dir != "/in/file" {
		t.Errorf("file: %q", dir)
	}
	write(`{"data-dir": "/in/file", "endpoints": {"data-dir": "/in/json"}}`)
	if dir := dirOf(t, "--config", file); dir != "/in/json" {
		t.Errorf("below the command: %q", dir)
	}
	t.Setenv("PARLEY_DATA_DIR", "/in/environment")
	if dir := dirOf(t, "--config", file); dir != "/in/environment" {
		t.Errorf("environment: %q", dir)
	}
	_, stderr, _ := runHere(t, "--config", file, "endpoints", "--data-dir", "/in/flag")
	if !strings.Contains(stderr, "running on /in/flag:") {
		t.Errorf("flag: %q", stderr)
	}
}

func TestMisspeltSettingIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "parley.yaml")
	for _, text := range []string{"data-dri: /x\n", "serve:\n  listne: x\n", "serve: 3\n", "- a\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, stderr, code := runHere(t, "--config", file, "version"); code != exitUsage || !strings.Contains(stderr, "settings file") {
			t.Errorf("%q: exit %d, %q", text, code, stderr)
		}
	}
}

func TestSpansTakeDays(t *testing.T) {
	for text, want := range map[string]time.Duration{"30d": 720 * time.Hour, "1.5d": 36 * time.Hour, "90s": 90 * time.Second} {
		var s span
		if err := s.UnmarshalText([]byte(text)); err != nil || time.Duration(s) != want {
			t.Errorf("%s: %v, %v", text, time.Duration(s), err)
		}
	}
	for _, text := range []string{"", "d", "30", "3x", "1d2"} {
		if err := new(span).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// settingsFile writes a settings file for --config.
func settingsFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "parley.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
