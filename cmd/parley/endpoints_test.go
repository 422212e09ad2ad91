package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/deploy/embedded"
)

// someEndpoints are those of this process on a data dir.
func someEndpoints(t *testing.T, dir string) engines.Endpoints {
	t.Helper()
	e := engines.Endpoints{
		HTTP: "http://127.0.0.1:1", NATS: engines.NATSEndpoint{URL: "nats://127.0.0.1:2", User: "parley", Password: "nats-secret"},
		ClickHouse: engines.ClickHouseEndpoints{
			HTTP: "http://127.0.0.1:3", Database: "parley",
			BI: embedded.User{Name: "bi", Password: "bi-secret"}, Writer: embedded.User{Name: "writer", Password: "writer-secret"},
		},
		PID: os.Getpid(),
	}
	if err := e.Write(dir); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEndpointsHaveTheFormOfTheContract(t *testing.T) {
	dir := t.TempDir()
	someEndpoints(t, dir)
	content, err := os.ReadFile(filepath.Join(dir, engines.EndpointsFile))
	if err != nil {
		t.Fatal(err)
	}
	var squeezed strings.Builder
	for word := range strings.FieldsSeq(string(content)) {
		squeezed.WriteString(word)
	}
	want := `{"http":"http://127.0.0.1:1","nats":{"url":"nats://127.0.0.1:2","user":"parley","password":"nats-secret"},` +
		`"clickhouse":{"http":"http://127.0.0.1:3","database":"parley","bi":{"user":"bi","password":"bi-secret"},"writer":{"user":"writer","password":"writer-secret"}},"pid":`
	if !strings.HasPrefix(squeezed.String(), want) {
		t.Errorf("%s\nwant %s", squeezed.String(), want)
	}
}

func TestPageOfEndpointsShowsSecretsOnlyWhenAsked(t *testing.T) {
	dir := t.TempDir()
	someEndpoints(t, dir)
	page, _, code := runHere(t, "endpoints", "--data-dir", dir)
	if code != exitOK || strings.Contains(page, "bi-secret") || strings.Contains(page, "nats-secret") || !strings.Contains(page, "http://127.0.0.1:1/graphql") {
		t.Errorf("exit %d\n%s", code, page)
	}
	page, _, _ = runHere(t, "endpoints", "--data-dir", dir, "--secrets")
	if !strings.Contains(page, "bi-secret") || strings.Contains(page, "writer-secret") {
		t.Error(page)
	}
	page, _, _ = runHere(t, "endpoints", "--data-dir", dir, "--json")
	if !strings.Contains(page, `"password": "writer-secret"`) {
		t.Error(page)
	}
}

func TestShellWordsAreQuoted(t *testing.T) {
	for word, want := range map[string]string{"/a/b-c.json": "/a/b-c.json", "/my data": "'/my data'", "it's": `'it'\''s'`, "": "''", "$x": "'$x'"} {
		if got := shellQuoted(word); got != want {
			t.Errorf("%q: %s, want %s", word, got, want)
		}
	}
}
