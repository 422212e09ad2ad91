package sink

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/schema"
	ddl "github.com/parley-analytics/parley/schema/clickhouse"
)

var errCut = errors.New("cut off")

// reader is the projector's loop in small: it reads a log on from the stored
// position in batches, and folds what the sink recalls.
type reader struct {
	sink     *Sink
	log      []projector.ArchivedEvent // sequence = index + 1
	position schema.Sequence

	contested schema.Sequence // see projector.Batch
}

// start begins after the stored position, as after a crash.
func (r *reader) start(ctx context.Context) error {
	position, _, err := r.sink.Position(ctx, projector.LogEvents)
	r.position, r.contested = position, schema.Sequence(len(r.log))
	return err
}

// step writes the next n events.
func (r *reader) step(ctx context.Context, n int) error {
	batch, err := r.next(ctx, n)
	if err != nil {
		return err
	}
	if err := r.sink.Write(ctx, batch); err != nil {
		return err
	}
	r.position = batch.Position
	return nil
}

// next is the batch of the next n events.
func (r *reader) next(ctx context.Context, n int) (*projector.Batch, error) {
	upTo := min(int(r.position)+n, len(r.log))
	batch := &projector.Batch{Log: projector.LogEvents, Position: schema.Sequence(upTo), Contested: r.position < r.contested}
	fresh, err := r.distinct(ctx, r.log[r.position:upTo])
	if err != nil {
		return nil, err
	}
	byKey := map[schema.ConversationKey][]schema.Record{}
	for _, e := range fresh {
		byKey[e.Event.ConversationKey()] = append(byKey[e.Event.ConversationKey()], e.Record)
	}
	var keys []schema.ConversationKey
	for key := range byKey {
		keys = append(keys, key)
	}
	recalled, err := r.sink.Recall(ctx, keys)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		var before []schema.Record
		for _, e := range recalled[key] {
			if e.Sequence <= r.position {
				before = append(before, e.Record)
			}
		}
		change := projector.Change{After: fold.Of(slices.Concat(before, byKey[key]))}
		if len(before) > 0 {
			rows := fold.Of(before)
			change.Before = &rows
		}
		batch.Changes = append(batch.Changes, change)
	}
	batch.Events = fresh
	return batch, nil
}

// distinct drops the duplicates.
func (r *reader) distinct(ctx context.Context, events []projector.ArchivedEvent) ([]projector.ArchivedEvent, error) {
	var keys []schema.EventKey
	for i := range events {
		keys = append(keys, events[i].Event.Key())
	}
	known, err := r.sink.Known(ctx, keys)
	if err != nil {
		return nil, err
	}
	var fresh []projector.ArchivedEvent
	for _, e := range events {
		if first, found := known[e.Event.Key()]; found && first < e.Sequence {
			continue
		}
		if !slices.ContainsFunc(fresh, func(f projector.ArchivedEvent) bool { return f.Event.Key() == e.Event.Key() }) {
			fresh = append(fresh, e)
		}
	}
	return fresh, nil
}

// contents returns the rows of every stable name, as text without bookkeeping.
func contents(t *testing.T, version uint32) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, v := range ddl.Views() {
		found[v.View] = enginetest.ClickHouse(t).Exec(t, fmt.Sprintf("SELECT %s FROM %s.%s FINAL ORDER BY ALL FORMAT TSV",
			strings.Join(v.Reads[0].Columns, ", "), ddl.ProjectionDatabase(version), v.Reads[0].Table))
	}
	return found
}

// TestInterruptedBatchesLeadToTheSameTables cuts batches off after every stage, and before any, continues
// with other batches and with or without a new process, and looks at the
// tables all the while.
func TestInterruptedBatchesLeadToTheSameTables(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			d := foldtest.Seeded(seed)
			log := archived(foldtest.Stream(d, 6), 1)

			whole := empty(t, Options{StoreText: true})
			for r := (reader{sink: whole, log: log}); int(r.position) < len(log); {
				if err := r.step(t.Context(), len(log)); err != nil {
					t.Fatal(err)
				}
			}
			cut := cutOften(t, d, log)
			want, got := contents(t, whole.options.Projection), contents(t, cut.options.Projection)
			for name := range want {
				if got[name] != want[name] {
					t.Errorf("%s differs:\n%s\nwant\n%s", name, got[name], want[name])
				}
			}
			if stored, held, err := cut.Position(t.Context(), projector.LogEvents); err != nil || held != stored {
				t.Errorf("after a clean stop rows are ahead of %d, up to %d (%v)", stored, held, err)
			}
		})
	}
}

// cutOften writes the log with cuts.
func cutOften(t *testing.T, d foldtest.Dice, log []projector.ArchivedEvent) *Sink {
	t.Helper()
	stages := []Stage{StageKeys, StageRows, StageCustomers, StageEvents, StageQuarantine, StagePosition, "none", "none"}
	var cutAfter Stage
	var refused atomic.Int64 // the stage with this number is not begun: of two of one step, the other is written
	s := empty(t, Options{
		StoreText: true,
		Allowed: func() error {
			if refused.Add(-1) == 0 {
				return errCut
			}
			return nil
		},
		After: func(stage Stage) error {
			if stage == cutAfter {
				return errCut
			}
			return nil
		},
	})
	seen := 0
	for r := (reader{sink: s, log: log}); int(r.position) < len(log); {
		cutAfter = stages[d.IntN(len(stages))]
		refused.Store(int64(d.IntN(20)))
		err := r.step(t.Context(), 1+d.IntN(30))
		if err != nil && !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		seen = noDuplicates(t, s, seen)
		if err == nil {
			continue
		}
		if d.IntN(2) == 0 {
			r.sink = reopen(t, s.conn, s.options)
		}
		if err := r.start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return reopen(t, s.conn, s.options)
}

// TestBatchesThatArriveLateDoNoHarm lets batches of a process that was replaced, or
// stood still, arrive when another one has written the same events in other batches,
// and more.
func TestBatchesThatArriveLateDoNoHarm(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			d := foldtest.Seeded(100 + seed)
			log := archived(foldtest.Stream(d, 8), 1)
			whole := empty(t, Options{StoreText: true})
			if err := (&reader{sink: whole, log: log}).step(t.Context(), len(log)); err != nil {
				t.Fatal(err)
			}
			last := writtenByTwo(t, d, log)
			noDuplicates(t, last, 0)
			want, got := contents(t, whole.options.Projection), contents(t, last.options.Projection)
			for name := range want {
				if got[name] != want[name] {
					t.Errorf("%s differs:\n%s\nwant\n%s", name, got[name], want[name])
				}
			}
		})
	}
}

// writtenByTwo writes the log by processes that take over from each other, each with
// a batch on its way that arrives when the next one has written a few.
func writtenByTwo(t *testing.T, d foldtest.Dice, log []projector.ArchivedEvent) *Sink {
	t.Helper()
	first := empty(t, Options{StoreText: true})
	r := reader{sink: first, log: log}
	if err := r.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for int(r.position) < len(log) {
		late, err := r.next(t.Context(), 1+d.IntN(20))
		if err != nil {
			t.Fatal(err)
		}
		stale := r.sink
		r.sink = reopen(t, first.conn, first.options)
		if err := r.start(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 1 + d.IntN(4) {
			if err := r.step(t.Context(), 1+d.IntN(20)); err != nil {
				t.Fatal(err)
			}
		}
		if err := stale.Write(t.Context(), late); err != nil {
			t.Fatal(err)
		}
		noDuplicates(t, first, 0)
	}
	return r.sink
}

// noDuplicates checks that every key occurs once, and that no conversation that
// was there is gone.
func noDuplicates(t *testing.T, s *Sink, least int) int {
	t.Helper()
	answer := enginetest.ClickHouse(t).Exec(t, s.in(`
		SELECT count(), uniqExact(project_id, conversation_id),
			(SELECT count() - uniqExact(project_id, conversation_id, contact_id) FROM $projection.contacts FINAL),
			(SELECT count() - uniqExact(project_id, source, event_id) FROM $projection.events FINAL)
		FROM $projection.conversations FINAL`))
	var count, distinct, contacts, events int
	if _, err := fmt.Sscan(answer, &count, &distinct, &contacts, &events); err != nil {
		t.Fatal(err)
	}
	if count != distinct || contacts != 0 || events != 0 || count < least {
		t.Fatalf("%d rows of %d conversations (%d before), %d contacts and %d events twice", count, distinct, least, contacts, events)
	}
	return count
}

// TestAnOlderRowNeverStandsBesideANewerOne writes the folds of a conversation that is closed and
// reopened, among them by events that happened before its first one, in any order: as inserts that
// complete late, or writers that stood still, would.
func TestAnOlderRowNeverStandsBesideANewerOne(t *testing.T) {
	key := foldtest.Conversation(1, 1)
	var records []schema.Record
	happen := func(at schema.Timestamp, kind schema.Type, data schema.Data) {
		records = append(records, schema.Record{Sequence: schema.Sequence(len(records) + 1), Event: schema.Event{Project: key.Project,
			Conversation: key.Conversation, Source: "s", ID: fmt.Sprint(len(records)), Time: at, Type: kind, Data: data}})
	}
	bot := schema.User{ID: 1, Kind: schema.KindBot}
	happen(50_000, schema.TypePushed, &schema.Pushed{To: bot})
	happen(60_000, schema.TypeClosed, &schema.Closed{})
	happen(70_000, schema.TypePushed, &schema.Pushed{To: bot})
	happen(80_000, schema.TypeClosed, &schema.Closed{})
	happen(75_000, schema.TypeClosed, &schema.Closed{}) // closed earlier than was known
	happen(1_000, schema.TypeOpened, &schema.Opened{Channel: "CHAT"})
	happen(90_000, schema.TypePushed, &schema.Pushed{To: bot})
	folds := make([]fold.Rows, len(records)+1)
	for n := range records {
		folds[n+1] = fold.Of(records[:n+1])
	}
	for seed := range uint64(5) {
		s := empty(t, Options{})
		newest := 0
		for _, n := range rand.New(rand.NewPCG(seed, 1)).Perm(len(records)) {
			change := projector.Change{After: folds[n+1], Before: &folds[n]}
			if err := s.Write(t.Context(), &projector.Batch{Log: projector.LogEvents, Position: schema.Sequence(n + 1), Changes: []projector.Change{change}}); err != nil {
				t.Fatal(err)
			}
			newest = max(newest, n+1)
			got := enginetest.ClickHouse(t).Exec(t, s.in("SELECT toUnixTimestamp64Milli(closed_at), last_sequence FROM $projection.conversations FINAL"))
			want := "\\N\t" + fmt.Sprint(newest)
			if at := folds[newest].Conversation.ClosedAt; at != nil {
				want = fmt.Sprintf("%d\t%d", *at, newest)
			}
			if got != want {
				t.Errorf("after the fold of %d events, of %d at most, the rows are %q, want %q", n+1, newest, got, want)
			}
		}
	}
}
