package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/store"
	"github.com/parley-analytics/parley/schema"
)

func TestAddressesAreShownWithoutTheirSecrets(t *testing.T) {
	for text, want := range map[string]string{
		"no address":       "no address",
		"invalid argument": "invalid argument",
		`Post "http://user:s3cret@127.0.0.1:8123/?param_a=s3cret&password=s3cret": dial tcp 127.0.0.1:8123: connection refused`: `Post "http://127.0.0.1:8123/?…": dial tcp 127.0.0.1:8123: connection refused`,
		"nats://s3cret@one:4222,tls://user:s3c,ret@two:4222/,three:4222 is away":                                                "nats://one:4222,tls://two:4222/,three:4222 is away",
		`parse "http://user:s3cret/@host": invalid port ":s3cret" after host`:                                                   `parse "http://…": invalid port after host`,
		`parse "nats://user:s3cret#@host": invalid port ":s3cret" after host`:                                                   `parse "nats://…": invalid port after host`,
		`parse "http://user:s3 cre'%zzt@[::1]:1": invalid URL escape "%zz"`:                                                     `parse "http://[::1]:1": invalid URL escape`,
		"http://127.0.0.1:8080: not found (see https://host/a/b#s3cret).":                                                       "http://127.0.0.1:8080: not found (see https://host/a/b?…).",
		"clickhouse url: must begin with clickhouse://, tcp://, http:// or https://":                                            "clickhouse url: must begin with clickhouse://, tcp://, http:// or https://",
		"must be an address such as http://HOST:PORT":                                                                           "must be an address such as http://HOST:PORT",
		"clickhouse://s3cret@[::1]:9000,[::2]:9000?secure=true":                                                                 "clickhouse://[::1]:9000,[::2]:9000?…",
		`Get "s3cret@host/v1": unsupported protocol scheme ""`:                                                                  `Get "host/v1": unsupported protocol scheme ""`,
		"nats://one:4222/,user:s3cret@two:4222":                                                                                 "nats://one:4222/…",
		"ends with http://user:s3cret@":                                                                                         "ends with http://",
	} {
		if got := withoutSecrets(text); got != want {
			t.Errorf("%s\nis shown as %s\nwant        %s", text, got, want)
		}
	}
}

// TestLogLinesHoldNoValuesOfStatements asks a ClickHouse server that is not there, with a user in its address and a value that is personal.
func TestLogLinesHoldNoValuesOfStatements(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	for _, format := range []string{"text", "json"} {
		tables, err := store.Open(store.Config{URL: strings.Replace(server.URL, "://", "://user:s3cret@", 1) + "?session_id=s3cret"})
		if err != nil {
			t.Fatal(err)
		}
		defer tables.Close()
		_, err = tables.CountClosedConversations(t.Context(), query.Scope{Projection: 1, Projects: schema.Projects{All: true}},
			query.Interval{From: 0, To: 1}, &query.Filter{Visitors: []string{"s3cret"}})
		if err == nil {
			t.Fatal("it answers")
		}
		var out bytes.Buffer
		log, err2 := newLogger(&out, format, "info")
		if err2 != nil {
			t.Fatal(err2)
		}
		log.Error("query failed", "error", err)
		host := strings.TrimPrefix(server.URL, "http://")
		if line := out.String(); strings.Contains(line, "s3cret") || !strings.Contains(line, host) {
			t.Errorf("%s\nfor %v", line, err)
		}
	}
}

// TestCommandsPrintNoSecretOfAnAddress gives commands addresses with credentials and parameters, at which nobody answers, or that are none.
func TestCommandsPrintNoSecretOfAnAddress(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	host := strings.TrimPrefix(gone.URL, "http://")
	key := secretFile(t, `{"id": "an-id", "secret": "a-secret"}`)
	refusing := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(refusing.Close) // after the parallel ones
	for name, arguments := range map[string][]string{
		"probe": {"probe"}, "export": {"export", "conversations", "--key-file", key, "--url"}, "import": {"import", "testdata/snooze.ndjson", "--key-file", key, "--to"},
		"demo":           {"demo", "--key-file", key, "--url"},
		"import iadvize": {"import-iadvize", "--from", "2026-01-01", "--upstream-key", key, "--key-file", key, "--into", "http://127.0.0.1:1", "--url"},
		"query":          {"query", "--listen", "127.0.0.1:0", "--nats-url", "nats://127.0.0.1:1", "--clickhouse-url"},
		"project":        {"project", "--listen", "127.0.0.1:0", "--nats-url", "nats://127.0.0.1:1", "--clickhouse-url"},
		"verify":         {"verify", "--nats-url", "nats://127.0.0.1:1", "--clickhouse-url"},
		"doctor":         {"doctor", "--nats-url", "nats://127.0.0.1:1", "--clickhouse-url"},
		"config check":   {"config", "check", "project", "--nats-url", "nats://127.0.0.1:1", "--clickhouse-url"},
		"issuer":         {"query", "--listen", "127.0.0.1:0", "--nats-url", "nats://127.0.0.1:1", "--clickhouse-url", "http://127.0.0.1:1", "--oidc-issuer"},
		"collector":      {"query", "--listen", "127.0.0.1:0", "--nats-url", "nats://127.0.0.1:1", "--clickhouse-url", "http://127.0.0.1:1", "--otlp-endpoint"},
		"nats":           {"ingest", "--listen", "127.0.0.1:0", "--nats-url"},
		"nats of doctor": {"doctor", "--clickhouse-url", "http://127.0.0.1:1", "--nats-url"},
	} {
		for n, address := range []string{
			"http://user:s3cret@" + host + "?token=s3cret", "http://s3cret@" + host, "http://user:s3cret@" + strings.TrimPrefix(refusing.URL, "http://"),
			"http://user:s3/cret@" + host, "http://user:s3cret#@" + host, "http://user:s3cret %zz@" + host, "s3cret@" + host, "ftp://user:s3cret@" + host,
		} {
			if strings.HasPrefix(name, "nats") {
				address = strings.Replace(address, "http://", "nats://", 1)
			}
			t.Run(fmt.Sprint(name, " ", n), func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				var out, errs bytes.Buffer
				given := append(append([]string{}, arguments...), address)
				if name != "probe" && name != "config check" {
					given = append(given, "--data-dir", t.TempDir())
				}
				code := run(ctx, given, strings.NewReader(""), &out, &errs)
				if said := fmt.Sprint(out.String(), errs.String()); strings.Contains(said, "s3") || strings.Contains(said, "cret@") {
					t.Errorf("exit %d: %s", code, said)
				}
			})
		}
	}
}
