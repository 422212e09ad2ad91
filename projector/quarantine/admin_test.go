package quarantine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/projector/quarantine"
	"github.com/parley-analytics/parley/projector/sink"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// erased notes what was erased of a log.
type erased []schema.Sequence

func (e *erased) Erase(_ context.Context, sequences ...schema.Sequence) error {
	*e = append(*e, sequences...)
	return nil
}

// appended notes what was appended; with an error nothing is.
type appended struct {
	events []quarantine.Admitted
	err    error
}

func (d *appended) Append(_ context.Context, events []quarantine.Admitted) error {
	if d.err == nil {
		d.events = append(d.events, events...)
	}
	return d.err
}

type room struct {
	tables           *tables.Tables
	version          uint32
	sink             *sink.Sink
	events, rejected erased
	appended         appended
	admin            *quarantine.Admin
	progress         int
}

func newRoom(t *testing.T) *room {
	t.Helper()
	server := enginetest.ClickHouse(t)
	tables, err := sink.Dial(t.Context(), sink.Server{URL: "http://" + server.Addr, User: server.Writer.Name, Password: server.Writer.Password})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tables.Close() })
	if err := tables.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	live, err := tables.Live(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := tables.Conn().Exec(t.Context(), fmt.Sprintf("TRUNCATE TABLE parley_%d.quarantine", live)); err != nil {
		t.Fatal(err)
	}
	s, err := sink.Open(t.Context(), tables.Conn(), sink.Options{Projection: live})
	if err != nil {
		t.Fatal(err)
	}
	r := &room{tables: tables, version: live, sink: s}
	r.admin = &quarantine.Admin{
		Tables: tables, Events: &r.appended, Clock: time.Now, Done: func(n int) { r.progress += n },
		Logs: map[string]quarantine.Eraser{projector.LogEvents: &r.events, projector.LogRejected: &r.rejected},
	}
	return r
}

func (r *room) put(t *testing.T, rejections ...projector.Rejection) {
	t.Helper()
	if err := r.sink.Write(t.Context(), &projector.Batch{Log: projector.LogRejected, Position: 1, Quarantine: rejections}); err != nil {
		t.Fatal(err)
	}
}

func (r *room) list(t *testing.T, filter tables.QuarantineFilter) []tables.Quarantined {
	t.Helper()
	list, err := r.tables.Quarantine(t.Context(), r.version, filter, true)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func rejection(log string, sequence schema.Sequence, original []byte) projector.Rejection {
	return projector.Rejection{
		Log: log, Sequence: sequence, ReceivedAt: schema.Timestamp(1_700_000_000_000 + 1000*int64(sequence)),
		Reason: schema.CodeInvalid, Detail: "time: must be a time", Source: "/shop", Original: original,
	}
}

func valid(n int) []byte {
	e := foldtest.Realistic(foldtest.Seeded(uint64(n)), foldtest.Conversation(1, n), 1_600_000_000_000)[0]
	return schema.Encode(&e)
}

func TestFiltersPickEntries(t *testing.T) {
	r := newRoom(t)
	other := rejection(projector.LogEvents, 3, []byte("x"))
	other.Reason, other.Source = schema.CodeUnknownType, ""
	r.put(t, rejection(projector.LogRejected, 1, []byte("{")), rejection(projector.LogRejected, 2, []byte("{{")), other)
	at := func(second int64) time.Time { return time.UnixMilli(1_700_000_000_000 + 1000*second) }
	for name, c := range map[string]struct {
		filter tables.QuarantineFilter
		want   []schema.Sequence
	}{
		"none":      {tables.QuarantineFilter{}, []schema.Sequence{1, 2, 3}},
		"log":       {tables.QuarantineFilter{Log: projector.LogEvents}, []schema.Sequence{3}},
		"reason":    {tables.QuarantineFilter{Reason: schema.CodeInvalid}, []schema.Sequence{1, 2}},
		"source":    {tables.QuarantineFilter{Source: "/shop"}, []schema.Sequence{1, 2}},
		"since":     {tables.QuarantineFilter{Since: at(2)}, []schema.Sequence{2, 3}},
		"until":     {tables.QuarantineFilter{Until: at(2)}, []schema.Sequence{1}},
		"sequences": {tables.QuarantineFilter{Sequences: []schema.Sequence{1, 3, 9}}, []schema.Sequence{1, 3}},
		"limit":     {tables.QuarantineFilter{Limit: 2}, []schema.Sequence{1, 2}},
	} {
		var got []schema.Sequence
		for _, e := range r.list(t, c.filter) {
			got = append(got, e.Sequence)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	if list := r.list(t, tables.QuarantineFilter{}); list[1].Bytes != 2 || string(list[1].Original) != "{{" || list[2].Source != nil {
		t.Errorf("%+v", list)
	}
}

func TestReplayRemovesAcceptedEntriesAndKeepsTheRest(t *testing.T) {
	r := newRoom(t)
	r.put(t, rejection(projector.LogRejected, 7, valid(1)), rejection(projector.LogRejected, 8, []byte("{")), rejection(projector.LogEvents, 9, valid(2)))
	replayed, refused, err := r.admin.Replay(t.Context(), r.list(t, tables.QuarantineFilter{}))
	if err != nil {
		t.Fatal(err)
	}
	if replayed != 2 || len(refused) != 1 || refused[0].Entry.Sequence != 8 || refused[0].Why.Code != schema.CodeInvalidJSON || r.progress != 3 {
		t.Fatalf("%d replayed, refused %+v, progress %d", replayed, refused, r.progress)
	}
	if len(r.appended.events) != 2 || r.appended.events[0].Again || !r.appended.events[1].Again || string(r.appended.events[0].Original) != string(schema.MarkReleased(valid(1))) {
		t.Fatalf("appended: %+v", r.appended.events)
	}
	if !slices.Equal(r.rejected, erased{7}) || !slices.Equal(r.events, erased{9}) {
		t.Fatalf("erased %v and %v", r.rejected, r.events)
	}
	if left := r.list(t, tables.QuarantineFilter{}); len(left) != 1 || left[0].Sequence != 8 {
		t.Fatalf("left: %+v", left)
	}
	// A batch that is written twice does not bring it back.
	r.put(t, rejection(projector.LogRejected, 7, valid(1)))
	if left := r.list(t, tables.QuarantineFilter{}); len(left) != 1 {
		t.Fatalf("left after the batch came again: %+v", left)
	}
}

func TestReplayThatCannotAppendLeavesEverything(t *testing.T) {
	r := newRoom(t)
	r.appended.err = errors.New("full")
	r.put(t, rejection(projector.LogRejected, 1, valid(1)))
	if _, _, err := r.admin.Replay(t.Context(), r.list(t, tables.QuarantineFilter{})); !errors.Is(err, r.appended.err) {
		t.Fatal(err)
	}
	if len(r.rejected) != 0 || len(r.list(t, tables.QuarantineFilter{})) != 1 {
		t.Error("the entry has gone although its event was not taken")
	}
}

func TestPurgeLeavesNoBytes(t *testing.T) {
	r := newRoom(t)
	r.put(t, rejection(projector.LogRejected, 1, []byte("Jane Doe")), rejection(projector.LogRejected, 2, []byte("John Doe")))
	if err := r.admin.Purge(t.Context(), r.list(t, tables.QuarantineFilter{Sequences: []schema.Sequence{1}})); err != nil {
		t.Fatal(err)
	}
	var n uint64
	if err := r.tables.Conn().QueryRow(t.Context(), fmt.Sprintf("SELECT countIf(original LIKE '%%Jane%%') FROM parley_%d.quarantine", r.version)).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d rows still hold the bytes (%v)", n, err)
	}
	if left := r.list(t, tables.QuarantineFilter{}); len(left) != 1 || left[0].Sequence != 2 || !slices.Equal(r.rejected, erased{1}) {
		t.Errorf("left %+v, erased %v", left, r.rejected)
	}
}
