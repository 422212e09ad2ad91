package readiness

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-analytics/parley/schema"
)

// compared is a log and tables that a test moves.
type compared struct {
	position, last, next schema.Sequence
	unread               error
}

func watched(t *testing.T, c *compared) *Progress {
	t.Helper()
	p := &Progress{
		Position:   func(context.Context) (schema.Sequence, error) { return c.position, c.unread },
		Last:       func(context.Context) (schema.Sequence, error) { return c.last, nil },
		Next:       func(context.Context, schema.Sequence) (schema.Sequence, error) { return c.next, nil },
		StallAfter: 30 * time.Second,
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	go func() { _ = p.Run(ctx) }()
	synctest.Wait()
	return p
}

// after lets time pass and wants what is said then; empty for ready.
func after(t *testing.T, p *Progress, d time.Duration, want string) {
	t.Helper()
	time.Sleep(d)
	synctest.Wait()
	err := p.Ready()
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Fatalf("after %v: %v, want %q", d, err, want)
	}
}

func TestTablesThatStandStillAreNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &compared{position: 10, last: 10, next: 11}
		p := watched(t, c)
		after(t, p, time.Hour, "")
		c.last = 20
		after(t, p, 25*time.Second, "")
		after(t, p, 10*time.Second, "stalled at sequence 10 although the log ends at 20")
		c.last = 500 // the log moves on
		after(t, p, time.Minute, "although the log ends at 500")
		c.position = 11
		after(t, p, 4*time.Second, "")
		for range 100 { // far behind, and moving
			c.position, c.last = c.position+1, c.last+100
			after(t, p, 20*time.Second, "")
		}
		after(t, p, 40*time.Second, "stalled")
	})
}

func TestADeletedEndOfTheLogIsNotAStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &compared{position: 10, last: 12}
		p := watched(t, c)
		after(t, p, time.Hour, "")
		c.last, c.next = 13, 13
		after(t, p, 40*time.Second, "stalled")
	})
}

func TestTablesAheadOfTheLogAreNotReadyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &compared{position: 10, last: 10}
		p := watched(t, c)
		c.last = 9
		after(t, p, 4*time.Second, "the tables are at sequence 10 but the log ends at 9")
	})
}

func TestTablesThatCannotBeReadForLongAreNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &compared{position: 10, last: 10, unread: errors.New("no answer")}
		p := watched(t, c)
		after(t, p, time.Second, "not been compared")
		c.unread = nil
		after(t, p, 4*time.Second, "")
		c.unread = errors.New("no answer")
		after(t, p, 20*time.Second, "")
		after(t, p, 20*time.Second, "no answer")
		c.unread = nil
		after(t, p, 4*time.Second, "")
	})
}

func TestPartsAreNeededForPurposes(t *testing.T) {
	r := New(Part{"nats", []Purpose{Ingest}}, Part{"clickhouse", nil}, Part{"log", nil}, Part{"clickhouse", []Purpose{Query}})
	r.Watch("nats", nil)
	missing := func(purpose Purpose) string {
		var names []string
		for name := range r.MissingFor(t.Context(), purpose) {
			names = append(names, name)
		}
		return strings.Join(names, " ")
	}
	if got := missing(Ingest); got != "" {
		t.Errorf("for ingest %s is missing", got)
	}
	if got := missing(Query); got != "clickhouse" {
		t.Errorf("for queries %s is missing", got)
	}
	if all := r.Missing(t.Context()); len(all) != 2 || all["log"] != "starting" {
		t.Errorf("missing: %v", all)
	}
	if got := New(Part{"nats", nil}).MissingFor(t.Context(), Query); got["query"] != "this process does not run the role query" {
		t.Errorf("a process without queries: %v", got)
	}
}
