package sink

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// versions numbers the projections of tests: each has one of its own.
var versions atomic.Uint32

// overBoth runs a test over each protocol: a block takes another way in each.
func overBoth(t *testing.T, test func(t *testing.T, url string)) {
	server := enginetest.ClickHouse(t)
	for protocol, url := range map[string]string{"HTTP": "http://" + server.Addr, "native": "clickhouse://" + server.NativeAddr} {
		t.Run(protocol, func(t *testing.T) { test(t, url) })
	}
}

func connect(t testing.TB) driver.Conn {
	t.Helper()
	return connectTo(t, "http://"+enginetest.ClickHouse(t).Addr)
}

func connectTo(t testing.TB, url string) driver.Conn {
	t.Helper()
	server := enginetest.ClickHouse(t)
	tables, err := Dial(t.Context(), Server{URL: url, User: server.Writer.Name, Password: server.Writer.Password})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tables.Close() })
	return tables.Conn()
}

// projection makes an empty projection and returns its version.
func projection(t testing.TB, conn driver.Conn) uint32 {
	t.Helper()
	if err := tables.New(conn).Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	version := 1000 + versions.Add(1)
	if err := tables.New(conn).Create(t.Context(), version); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tables.New(conn).Drop(context.WithoutCancel(t.Context()), version); err != nil {
			t.Error(err)
		}
	})
	return version
}

// empty opens a sink on an empty projection.
func empty(t testing.TB, options Options) *Sink {
	t.Helper()
	return emptyOver(t, connect(t), options)
}

func emptyOver(t testing.TB, conn driver.Conn, options Options) *Sink {
	t.Helper()
	options.Projection = projection(t, conn)
	return reopen(t, conn, options)
}

// reopen opens a sink on what is there, as after a crash.
func reopen(t testing.TB, conn driver.Conn, options Options) *Sink {
	t.Helper()
	s, err := Open(t.Context(), conn, options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// archived returns events as the log has them, from sequence first on.
func archived(events []schema.Event, first schema.Sequence) []projector.ArchivedEvent {
	list := make([]projector.ArchivedEvent, len(events))
	for i, r := range foldtest.Records(events, first) {
		r.ReceivedAt = schema.TimestampOf(time.UnixMilli(int64(r.Event.Time)).Add(time.Second))
		list[i] = projector.ArchivedEvent{Record: r, Original: schema.Encode(&events[i])}
	}
	return list
}
