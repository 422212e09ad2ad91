package main

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/certificate"
	"github.com/parley-analytics/parley/cmd/internal/certificate/certificatetest"
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

// pasted runs the commands of a page of endpoints in a shell, and returns what they print.
func pasted(t *testing.T, page string) string {
	t.Helper()
	_, rest, _ := strings.Cut(page, "A token for a day")
	rest, _, found := strings.Cut(rest, "GraphiQL asks")
	if !found {
		t.Fatalf("no commands in\n%s", page)
	}
	var script strings.Builder
	for line := range strings.Lines(rest) {
		if strings.HasPrefix(line, "  ") {
			script.WriteString(line)
		}
	}
	printed, err := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(script.String(), "curl -s", "curl -sS")).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, script.String())
	}
	return string(printed)
}

// TestCommandsOfThePageWorkWithTheOwnCertificate runs them against a listener on 127.0.0.1, whose certificate has this name, or others.
func TestCommandsOfThePageWorkWithTheOwnCertificate(t *testing.T) {
	authority := certificatetest.New(t)
	for _, hosts := range [][]string{{"127.0.0.1"}, {"parley.example.org", "127.0.0.2"}, {"*.example.org"}, {"192.0.2.7"}, {"2001:db8::7"}} {
		pair := authority.IssueFor(t, time.Now().Add(time.Hour), hosts...)
		own, err := tls.LoadX509KeyPair(pair.Cert, pair.Key)
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/oauth2/token" && r.FormValue("client_id") == "an-id" && r.FormValue("client_secret") == "a-secret" {
				fmt.Fprint(w, `{"access_token": "a-token"}`)
			}
			if r.URL.Path == "/graphql" && r.Header.Get("Authorization") == "Bearer a-token" {
				fmt.Fprint(w, "the answer")
			}
		}))
		server.TLS = &tls.Config{Certificates: []tls.Certificate{own}}
		server.StartTLS()
		dir := filepath.Join(t.TempDir(), "a data dir")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, adminKeyName), []byte("{\n  \"id\": \"an-id\",\n  \"secret\": \"a-secret\"\n}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		where := someEndpoints(t, dir)
		where.HTTP, where.TLS = server.URL, &certificate.Connection{CertFile: pair.Cert, KeyFile: pair.Key, Same: true}
		if err := where.Write(dir); err != nil {
			t.Fatal(err)
		}
		page, stderr, code := runHere(t, "endpoints", "--data-dir", dir)
		if code != exitOK {
			t.Fatalf("exit %d: %s", code, stderr)
		}
		if printed := pasted(t, page); printed != "the answer" {
			t.Errorf("%v: %s\n%s", hosts, printed, page)
		}
		server.Close()
	}
}

func TestShellWordsAreQuoted(t *testing.T) {
	for word, want := range map[string]string{"/a/b-c.json": "/a/b-c.json", "/my data": "'/my data'", "it's": `'it'\''s'`, "": "''", "$x": "'$x'"} {
		if got := shellQuoted(word); got != want {
			t.Errorf("%q: %s, want %s", word, got, want)
		}
	}
}
