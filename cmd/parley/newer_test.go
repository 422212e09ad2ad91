package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/schema/clickhouse"
)

// refusal is how every command refuses what belongs to a newer binary.
const refusal = "run the newer parley again, or restore a backup from before it"

// TestOlderBinaryRefusesNewerTablesAndLogs marks both as a newer binary would.
func TestOlderBinaryRefusesNewerTablesAndLogs(t *testing.T) {
	dir := t.TempDir()
	i := start(t, dir)
	markTables(t, i, clickhouse.Version+1)
	select { // a serve that runs beside the newer one ends
	case <-i.ended:
	case <-time.After(startWithin):
		t.Error("serve goes on with newer tables")
		i.kill()
	}
	if !strings.Contains(i.stderr.String(), refusal) {
		t.Error(i.stderr)
	}
	if i, err := serve(dir); err == nil {
		i.kill()
		t.Error("serve starts on newer tables")
	} else if !strings.Contains(err.Error(), refusal) || !strings.Contains(err.Error(), fmt.Sprintf("version %d", clickhouse.Version+1)) {
		t.Error(err)
	}

	// The log, beside a serve that has it open already.
	other := start(t, t.TempDir())
	setLogVersion(t, other, fmt.Sprint(eventlog.Version+1))
	for _, arguments := range [][]string{{"doctor"}, {"ingest", "--listen", "127.0.0.1:0"}, {"project", "--listen", "127.0.0.1:0"}, {"verify"}} {
		stdout, stderr, code := other.command(t, "", arguments...)
		if code == 0 || !strings.Contains(stdout+stderr, refusal) {
			t.Errorf("%v: exit %d\n%s%s", arguments, code, stdout, stderr)
		}
	}
	setLogVersion(t, other, fmt.Sprint(eventlog.Version))
	stdout, _, code := other.command(t, "", "doctor")
	if code != 0 || !strings.Contains(stdout, fmt.Sprintf("up to date with version %d", clickhouse.Version)) || !strings.Contains(stdout, fmt.Sprintf("log: version %d", eventlog.Version)) {
		t.Errorf("exit %d\n%s", code, stdout)
	}
}

func markTables(t *testing.T, i *instance, version int) {
	t.Helper()
	statement := fmt.Sprintf("INSERT INTO parley_meta.migrations (name, checksum, applied_at) SELECT 'version', '%d', now64(3) + 1", version)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, i.where.ClickHouse.HTTP, strings.NewReader(statement))
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth(i.where.ClickHouse.Writer.Name, i.where.ClickHouse.Writer.Password)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", response.StatusCode, body)
	}
}

func setLogVersion(t *testing.T, i *instance, version string) {
	t.Helper()
	setStream(t, i, func(config *jetstream.StreamConfig) { config.Metadata["parley.version"] = version })
}

// setStream changes the settings of the log's stream.
func setStream(t *testing.T, i *instance, change func(*jetstream.StreamConfig)) {
	t.Helper()
	log := i.log(t)
	conn, err := nats.Connect(log.URL, nats.UserInfo(log.User, log.Password))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), eventlog.EventsStream)
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	change(&config)
	if _, err := js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
}
