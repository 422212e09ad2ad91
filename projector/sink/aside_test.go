package sink

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/projector/porttest"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

// TestAConversationThatNeedsTooMuchMemoryIsSetAside has one whose row alone is
// larger than what a statement may use, among others.
func TestAConversationThatNeedsTooMuchMemoryIsSetAside(t *testing.T) {
	log := porttest.NewLog()
	var last schema.Sequence
	happen := func(key schema.ConversationKey, n int, typ schema.Type, data schema.Data) {
		e := schema.Event{Project: key.Project, Conversation: key.Conversation, Source: "s", ID: fmt.Sprint(key.Conversation, n), Time: 1_700_000_000_000 + schema.Timestamp(n), Type: typ, Data: data}
		last = log.Append(time.UnixMilli(int64(e.Time)), schema.Encode(&e))
	}
	large, innocent := foldtest.Conversation(1, 1), foldtest.Conversation(1, 2)
	happen(large, 0, schema.TypeOpened, &schema.Opened{Channel: "CHAT", Visitor: &schema.Visitor{ID: "v"}})
	happen(innocent, 0, schema.TypeOpened, &schema.Opened{Channel: "CHAT", Visitor: &schema.Visitor{ID: "v"}})
	server := enginetest.ClickHouse(t)
	small := emptyOver(t, connectTo(t, "http://"+server.Addr+"?max_memory_usage=60000000"), Options{})
	project := func(s *Sink, done func(*projector.Projector) bool) {
		t.Helper()
		p, err := projector.New(projector.Config{Log: log, Sink: s, Archive: s})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = p.Run(ctx) }()
		defer func() { cancel(); <-ended }()
		looks := time.NewTicker(5 * time.Millisecond)
		defer looks.Stop()
		for deadline := time.Now().Add(3 * time.Minute); p.Progress().Position < last || !done(p); <-looks.C {
			if time.Now().After(deadline) {
				t.Fatalf("the position is %d of %d, %d set aside: %v", p.Progress().Position, last, len(p.Aside()), p.Ready())
			}
		}
	}
	project(small, func(p *projector.Projector) bool { return len(p.Aside()) == 0 })

	name := strings.Repeat("n", schema.MaxNameBytes)
	for n := range 20_000 {
		happen(large, 1+n, schema.TypePushed, &schema.Pushed{To: schema.User{ID: 1, Kind: schema.KindBot, Name: &name, Email: &name}})
	}
	happen(innocent, 1, schema.TypeClosed, &schema.Closed{})
	aside := func(p *projector.Projector) bool {
		return len(p.Aside()) == 1 && p.Aside()[0].ConversationKey == large && p.Ready() == nil
	}
	project(small, aside)
	happen(large, 90_000, schema.TypeTagged, &schema.Tagged{Tag: schema.Ref{ID: "t"}})
	happen(innocent, 2, schema.TypeTagged, &schema.Tagged{Tag: schema.Ref{ID: "t"}})
	project(reopen(t, small.conn, small.options), aside)

	row := func(key schema.ConversationKey) string {
		return server.Exec(t, small.in(fmt.Sprintf("SELECT event_count, contact_count, tag_count FROM $projection.conversations FINAL WHERE conversation_id = '%s'", key.Conversation)))
	}
	stored := tables.New(small.conn)
	entries, err := stored.Quarantine(t.Context(), small.options.Projection, tables.QuarantineFilter{Log: projector.LogConversations}, false)
	if err != nil || len(entries) != 1 || entries[0].Reason != schema.CodeSetAside || !strings.Contains(entries[0].Detail, string(large.Conversation)) || !strings.Contains(entries[0].Detail, "MEMORY_LIMIT_EXCEEDED") {
		t.Fatalf("in quarantine: %+v (%v)", entries, err)
	}

	// The large one has the events before its entry, and of these all but the innocent one's.
	stood := entries[0].Sequence - 2
	if got, want := row(large)+" "+row(innocent), fmt.Sprintf("%d\t%d\t0 3\t0\t1", stood, stood-1); got != want {
		t.Errorf("rows of the conversation set aside and of the other: %q, want %q", got, want)
	}

	if err := stored.Release(t.Context(), small.options.Projection, projector.LogConversations, []schema.Sequence{entries[0].Sequence}); err != nil {
		t.Fatal(err)
	}
	project(reopen(t, connect(t), small.options), func(p *projector.Projector) bool { return len(p.Aside()) == 0 })
	if got := row(large); got != "20002\t20000\t1" {
		t.Errorf("the row of the conversation taken back: %q", got)
	}
	if contacts := server.Exec(t, small.in("SELECT count() FROM $projection.contacts FINAL")); contacts != "20000" {
		t.Errorf("%s contacts", contacts)
	}
	if left := server.Exec(t, small.in("SELECT count() FROM $projection.quarantine FINAL")); left != "0" {
		t.Errorf("%s rows of quarantine", left)
	}
}
