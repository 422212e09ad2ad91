package embedded_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
)

// A client names headers in Connection that the next hop removes. What the front sets is not the client's to remove.
func TestConnectionHeaderRemovesNothingOfTheFronts(t *testing.T) {
	s := enginetest.ClickHouse(t)
	dashboards(t, s)
	for _, names := range []string{
		"X-ClickHouse-User", "x-clickhouse-key", "X-ClickHouse-User, X-ClickHouse-Key", "close, X-Clickhouse-User", "keep-alive,Content-Length", "Host",
	} {
		for _, user := range []string{s.Writer.Name, s.BI.Name} {
			password := map[string]string{s.Writer.Name: s.Writer.Password, s.BI.Name: s.BI.Password}[user]
			h := header("Authorization", basic(user, password), "Connection", names)
			if status, answer := ask(t, http.MethodPost, s.FrontURL+"/?database=system", "SELECT currentUser()", h); status != http.StatusOK || answer != user+"\n" {
				t.Errorf("Connection: %s as %s: %d %s", names, user, status, answer)
			}
			h = header("X-ClickHouse-User", user, "X-ClickHouse-Key", password, "Connection", names, "Connection", "X-ClickHouse-Key")
			if status, answer := ask(t, http.MethodPost, s.FrontURL+"/?database=system", "SELECT currentUser()", h); answer != user+"\n" && status != http.StatusForbidden && status != http.StatusUnauthorized {
				t.Errorf("Connection: %s with headers as %s: %d %s", names, user, status, answer)
			}
		}
	}
}

func TestBIUserIsClampedToItsLimits(t *testing.T) {
	s := enginetest.ClickHouse(t)
	dashboards(t, s)
	most, _ := asBI(t, s, "SELECT value FROM system.settings WHERE name = 'max_memory_usage'", "")
	threads, _ := asBI(t, s, "SELECT max FROM system.settings WHERE name = 'max_threads'", "")
	for setting, want := range map[string]string{
		"max_execution_time=65": "60", "max_execution_time=0": "60", "max_execution_time=60": "60", "max_execution_time=1e9": "60", "max_execution_time=inf": "60",
		"max_execution_time=7": "7", "max_memory_usage=0": most, "max_memory_usage=100000000000000": most,
		"max_memory_usage=1000000": "1000000", "max_threads=100000": threads, "max_threads=0": threads, "max_block_size=99999999": "1048576",
		"cancel_http_readonly_queries_on_client_close=0": "1", "http_headers_progress_interval_ms=1": "100", "network_zstd_compression_level=22": "9",
	} {
		name, value, _ := strings.Cut(setting, "=")
		read := "SELECT value FROM system.settings WHERE name = '" + name + "'"
		ways := map[string][2]string{"address": {read, setting}, "header of a session": {read, setting + "&session_id=clamp"}}
		if value != "inf" {
			ways["clause"] = [2]string{read + " SETTINGS " + setting, ""}
			ways["text"] = [2]string{read + " SETTINGS " + name + " = '" + value + "'", ""}
		}
		for way, request := range ways {
			if got, ok := asBI(t, s, request[0], request[1]); !ok || got != want {
				t.Errorf("%s, %s: %s, want %s", way, setting, got, want)
			}
		}
	}
	for _, settings := range []string{"max_execution_time=-1", "max_execution_time=nan", "max_execution_time=x", "max_execution_time=1&max_execution_time=2",
		"max_memory_usage=1G", "readonly=0", "readonly=2", "profile=default", "profile=parley_writer", "role=x", "compatibility=20.1", "decompress=x",
		"MAX_MEMORY_USAGE=0", "max_memory_usag%65_for_user=0", "QUERY=SELECT+1&query=SELECT+2", "x_format=CSV&x_structure=a+Int8", "stacktrace=1"} {
		if answer, ok := asBI(t, s, "SELECT 1", settings); ok {
			t.Errorf("?%s is taken: %s", settings, answer)
		}
	}
}

// Grafana's default is a time-out of 60 s, and clickhouse-go sends 5 s more.
func TestClickHouseGoWorksWithATimeoutOfAMinute(t *testing.T) {
	s := enginetest.ClickHouse(t)
	dashboards(t, s)
	for name, compression := range map[string]*clickhouse.Compression{
		"plain": nil, "lz4": {Method: clickhouse.CompressionLZ4}, "zstd": {Method: clickhouse.CompressionZSTD, Level: 3}, "gzip": {Method: clickhouse.CompressionGZIP, Level: 3},
	} {
		conn, err := clickhouse.Open(&clickhouse.Options{
			Addr: []string{strings.TrimPrefix(s.FrontURL, "http://")}, Protocol: clickhouse.HTTP, Compression: compression,
			Auth:     clickhouse.Auth{Database: "parley", Username: s.BI.Name, Password: s.BI.Password},
			Settings: clickhouse.Settings{"max_execution_time": 60}, DialTimeout: 10 * time.Second, ReadTimeout: time.Minute,
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		var rows, limit uint64
		err = conn.QueryRow(ctx, "SELECT count(), toUInt64(getSetting('max_execution_time')) FROM conversations WHERE a < {most:UInt64}",
			clickhouse.Named("most", 10)).Scan(&rows, &limit)
		if err != nil || rows != 10 || limit != 60 {
			t.Errorf("%s: %d rows, limit %d, %v", name, rows, limit, err)
		}
		if err := conn.Ping(ctx); err != nil {
			t.Errorf("%s: ping: %v", name, err)
		}
		cancel()
		conn.Close()
	}
}

// A board has more panels than statements may run; the others wait for their turn.
func TestStatementsBeyondTheLimitWait(t *testing.T) {
	s := enginetest.ClickHouse(t)
	dashboards(t, s)
	var panels sync.WaitGroup
	for i := range 40 {
		panels.Go(func() {
			if answer, ok := asBI(t, s, fmt.Sprintf("SELECT sleep(1), %d FORMAT TSV", i), ""); !ok || answer != fmt.Sprintf("0\t%d", i) {
				t.Errorf("panel %d: %s", i, answer)
			}
		})
	}
	panels.Wait()
}

func TestBIUserStopsItsOwnStatementsOnly(t *testing.T) {
	s := enginetest.ClickHouse(t)
	dashboards(t, s)
	const long = "SELECT sleepEachRow(1) FROM numbers(50) SETTINGS max_block_size = 1 FORMAT Null"
	running := func(id string) bool {
		return s.Exec(t, "SELECT count() FROM system.processes WHERE query_id = '"+id+"'") == "1"
	}
	// All places are taken, and the statement that stops one of them is answered.
	var full sync.WaitGroup
	for i := range 16 {
		full.Go(func() { asBI(t, s, long, fmt.Sprintf("query_id=own-%d", i)) })
	}
	ended := make(chan string, 1)
	go func() {
		h := header("X-ClickHouse-User", s.Reader.Name, "X-ClickHouse-Key", s.Reader.Password)
		_, answer := ask(t, http.MethodPost, s.FrontURL+"/?query_id=foreign", long, h)
		ended <- answer
	}()
	eventually(t, "the statements run", func() bool { return running("own-0") && running("own-15") && running("foreign") })
	if answer, _ := asBI(t, s, "KILL QUERY WHERE query_id = 'foreign'", ""); strings.Contains(answer, "foreign") || !running("foreign") {
		t.Errorf("a foreign statement is stopped: %s", answer)
	}
	if answer, ok := asBI(t, s, "/* Cube */ KILL QUERY WHERE query_id = 'own-3'", ""); !ok || !strings.Contains(answer, "own-3") {
		t.Errorf("KILL QUERY says %s", answer)
	}
	eventually(t, "own-3 ends", func() bool { return !running("own-3") })
	if answer, ok := asBI(t, s, "SELECT DISTINCT user FROM system.processes", ""); !ok || answer != s.BI.Name {
		t.Errorf("running statements are %s", answer)
	}
	asBI(t, s, "KILL QUERY WHERE startsWith(query_id, 'own-') SYNC", "")
	full.Wait()
	if !running("foreign") {
		t.Error("the foreign statement is gone")
	}
	s.Exec(t, "KILL QUERY WHERE query_id = 'foreign'")
	<-ended
}

// What could hold more than a statement is refused.
func TestBIUserSendsPlainStatementsOnly(t *testing.T) {
	s := enginetest.ClickHouse(t)
	dashboards(t, s)
	auth := basic(s.BI.Name, s.BI.Password)
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, _ = io.WriteString(w, "SELECT 1 SETTINGS readonly = DEFAULT")
	w.Close()
	form, formType := multipartForm(t, map[string]string{"query": "SELECT 1", "max_execution_time": "0"})
	for name, c := range map[string]struct {
		body   string
		header http.Header
	}{
		"gzip":      {zipped.String(), header("Authorization", auth, "Content-Encoding", "gzip")},
		"form":      {form, header("Authorization", auth, "Content-Type", formType)},
		"too long":  {"SELECT 1 --" + strings.Repeat("x", 1<<20), header("Authorization", auth)},
		"two":       {"SELECT 1; SELECT 2", header("Authorization", auth)},
		"a setting": {"SELECT 1 SETTINGS readonly = DEFAULT", header("Authorization", auth)},
	} {
		if status, answer := ask(t, http.MethodPost, s.FrontURL+"/", c.body, c.header); status == http.StatusOK {
			t.Errorf("%s: %s", name, answer)
		}
	}
	// The text of the address and that of the body are one statement.
	if answer, ok := asBI(t, s, "readonly = DEFAULT", url.Values{"query": {"SELECT 1 SETTINGS"}}.Encode()); ok {
		t.Errorf("in two parts: %s", answer)
	}
	if answer, ok := asBI(t, s, "FROM conversations", url.Values{"query": {"SELECT count()"}}.Encode()); !ok || answer != "1000" {
		t.Errorf("in two parts: %s", answer)
	}
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		want := map[string]string{http.MethodGet: "60\n", http.MethodHead: ""}[method]
		address := s.FrontURL + "/?" + url.Values{"query": {"SELECT getSetting('max_execution_time') SETTINGS max_execution_time = 65"}}.Encode()
		if status, answer := ask(t, method, address, "", header("Authorization", auth)); status != http.StatusOK || answer != want {
			t.Errorf("%s: %d %q", method, status, answer)
		}
	}
}
