package replay_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/projector/history"
	"github.com/parley-analytics/parley/projector/lead"
	"github.com/parley-analytics/parley/projector/replay"
	"github.com/parley-analytics/parley/projector/sink"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// setup is a server with a log, a live projector and what rebuilds.
type setup struct {
	tables  *tables.Tables
	log     *memory
	rebuild *replay.Rebuild
	stop    func() // the projector

	mu    sync.Mutex
	drops *leaky // the log as its readers see it, once it drops entries
}

// reader is the log as a projector gets it.
func (h *setup) reader(ctx context.Context) (projector.Log, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.drops == nil {
		return h.log, nil
	}
	live, err := h.tables.Live(ctx)
	return history.NewWhole(h.drops, h.tables, live), err
}

// readBy lets all that is opened from now on read a log that drops entries.
func (h *setup) readBy(l *leaky) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drops = l
	h.rebuild.Begins, h.rebuild.Gaps = l.First, h.gaps
}

// gaps returns where the log has nothing.
func (h *setup) gaps(ctx context.Context, log string, after schema.Sequence) (schema.Sequence, error) {
	reader, err := h.reader(ctx)
	if whole, drops := reader.(*history.Whole); drops && err == nil && log == projector.LogEvents {
		return whole.Gap(ctx, after)
	}
	return after, err
}

// settle waits until the live version has all of the log.
func (h *setup) settle(t *testing.T) {
	t.Helper()
	last, err := h.log.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(2 * time.Minute); ; {
		at, err := history.Projected(t.Context(), h.tables, projector.LogEvents)
		if err == nil && at >= last {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the live version is at %d of %d: %v", at, last, err)
		}
		<-time.After(10 * time.Millisecond)
	}
}

func newSetup(t *testing.T) *setup {
	t.Helper()
	engine := enginetest.ClickHouse(t)
	tables, err := sink.Dial(t.Context(), sink.Server{URL: "http://" + engine.Addr, User: engine.Writer.Name, Password: engine.Writer.Password})
	if err != nil {
		t.Fatal(err)
	}
	databases := []string{"parley", "parley_meta"}
	for n := 1; n <= 9; n++ {
		databases = append(databases, fmt.Sprintf("parley_%d", n))
	}
	deadline := time.Now().Add(2 * time.Minute)
	for _, database := range databases {
		// What a test before has cut off in the middle may still make its table.
		for {
			err := tables.Conn().Exec(t.Context(), "DROP DATABASE IF EXISTS "+database+" SYNC")
			if err == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal(err)
			}
			<-time.After(100 * time.Millisecond)
		}
	}
	if err := tables.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	h := &setup{tables: tables, log: &memory{}}
	open := func(ctx context.Context, version uint32) (*projector.Projector, func(), error) {
		s, err := sink.Open(ctx, tables.Conn(), sink.Options{Projection: version, StoreText: true})
		if err != nil {
			return nil, nil, err
		}
		log, err := h.reader(ctx)
		if err != nil {
			return nil, nil, err
		}
		p, err := projector.New(projector.Config{Log: log, Sink: s, Archive: s, BatchEvents: 500})
		return p, func() {}, err
	}
	h.rebuild = &replay.Rebuild{Tables: tables, Open: open, Patience: 20 * time.Second, Lease: make(lease, 1),
		Ends: func(ctx context.Context) (map[string]schema.Sequence, error) {
			last, err := h.log.Last(ctx)
			return map[string]schema.Sequence{projector.LogEvents: last}, err
		}}
	leader := &lead.Leader{Tables: tables, Open: open, Gaps: h.gaps, Logger: slog.New(slog.DiscardHandler), Every: 20 * time.Millisecond}
	ctx, cancel := context.WithCancel(context.Background())
	done, holds := make(chan error, 1), make(chan struct{})
	go func() {
		done <- h.rebuild.Lease.Keep(ctx, func(ctx context.Context) error {
			close(holds)
			return leader.Run(ctx)
		})
	}()
	<-holds
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		h.stop()
		_ = tables.Close()
	})
	return h
}

func (h *setup) live(t *testing.T) uint32 {
	t.Helper()
	version, err := h.tables.Live(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return version
}

func (h *setup) one(t *testing.T, query string) (n uint64) {
	t.Helper()
	if err := h.tables.Conn().QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestReplayBuildsTheSameTablesWhileEventsArrive(t *testing.T) {
	h := newSetup(t)
	events := foldtest.Stream(foldtest.Seeded(1), 150)
	h.log.append(events[:len(events)/2]...)
	stop := make(chan struct{})
	var sending sync.WaitGroup
	sending.Go(func() {
		for _, e := range events[len(events)/2:] {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				h.log.append(e)
			}
		}
	})
	replayed, err := h.rebuild.Replay(t.Context())
	close(stop)
	sending.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if replayed.Report.Differing != 0 {
		t.Fatalf("live tables differ from the log: %v", replayed.Report.Differences)
	}
	if !replayed.Handed || h.live(t) != 2 || replayed.Version != 2 {
		t.Fatalf("live is version %d after %+v", h.live(t), replayed)
	}
	verified, err := h.rebuild.Verify(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if verified.Left.Differing != 0 || verified.Left.Rows["conversations"] == 0 {
		t.Fatalf("after the replay: %+v", verified.Left)
	}
	undone, err := h.rebuild.Undo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if undone.Version != 1 || h.live(t) != 1 {
		t.Fatalf("undo made version %d live", h.live(t))
	}
}

func TestReplayContinuesWhereItStopped(t *testing.T) {
	h := newSetup(t)
	h.log.append(foldtest.Stream(foldtest.Seeded(3), 40)...)
	ctx, cancel := context.WithCancel(t.Context())
	h.rebuild.At = func(string) { cancel() }
	if _, err := h.rebuild.Replay(ctx); err == nil || !errors.Is(err, context.Canceled) {
		t.Fatalf("replay that is cut off: %v", err)
	}
	h.rebuild.At = nil
	replayed, err := h.rebuild.Replay(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if replayed.Version != 2 {
		t.Errorf("version %d was begun instead of continuing with 2", replayed.Version)
	}
}

func TestABuildOfOtherFlagsIsNotContinued(t *testing.T) {
	h := newSetup(t)
	h.log.append(foldtest.Stream(foldtest.Seeded(3), 20)...)
	ctx, cancel := context.WithCancel(t.Context())
	h.rebuild.Flags, h.rebuild.At = "texts true", func(string) { cancel() }
	if _, err := h.rebuild.Replay(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("replay that is cut off: %v", err)
	}
	h.rebuild.Flags, h.rebuild.At = "texts false", nil
	replayed, err := h.rebuild.Replay(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := h.one(t, "SELECT count() FROM system.databases WHERE name = 'parley_2'"); replayed.Version != 3 || n != 0 {
		t.Errorf("version %d was built; databases of version 2: %d", replayed.Version, n)
	}
}

// replayed is a setup with version 2 live and version 1 kept, which is behind.
func replayed(t *testing.T) *setup {
	t.Helper()
	h := newSetup(t)
	h.log.append(foldtest.Stream(foldtest.Seeded(5), 20)...)
	if _, err := h.rebuild.Replay(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.log.append(foldtest.Stream(foldtest.Seeded(6), 20)...)
	h.settle(t)
	return h
}

func TestTheProjectorFollowsWhatAnotherProcessMakesLive(t *testing.T) {
	h := replayed(t)
	if err := h.tables.Offer(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if err := h.tables.Swap(t.Context(), 1, 2); err != nil {
		t.Fatal(err)
	}
	h.log.append(foldtest.Stream(foldtest.Seeded(7), 20)...)
	h.settle(t)
	if live := h.live(t); live != 1 {
		t.Errorf("version %d is live", live)
	}
}

func TestAVersionThatRejectsRowsDoesNotStopTheLiveOne(t *testing.T) {
	h := replayed(t)
	if err := h.tables.Conn().Exec(t.Context(), "ALTER TABLE parley_1.positions ADD CONSTRAINT never CHECK sequence = 0"); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	undone := make(chan error, 1)
	h.rebuild.At = func(point string) {
		if point == "offered" {
			h.log.append(foldtest.Stream(foldtest.Seeded(7), 20)...)
		}
	}
	go func() {
		_, err := h.rebuild.Undo(ctx)
		undone <- err
	}()
	h.settle(t)
	stop()
	if err := <-undone; !errors.Is(err, context.Canceled) {
		t.Errorf("undo: %v", err)
	}
	h.log.append(foldtest.Stream(foldtest.Seeded(8), 20)...)
	h.settle(t)
	if live := h.live(t); live != 2 {
		t.Errorf("version %d is live", live)
	}
}

func TestAnInterruptedUndoLeavesNoOffer(t *testing.T) {
	h := replayed(t)
	if err := h.tables.Conn().Exec(t.Context(), "ALTER TABLE parley_1.positions ADD CONSTRAINT never CHECK sequence = 0"); err != nil {
		t.Fatal(err)
	}
	for range 10 { // the command and its wait for the lease end at the same moment
		ctx, stop := context.WithCancel(t.Context())
		h.rebuild.At = func(string) { stop() }
		_, err := h.rebuild.Undo(ctx)
		if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "the command was stopped") || !strings.HasSuffix(err.Error(), "; version 2 is live") {
			t.Errorf("undo: %v", err)
		}
		all, err := h.tables.Projections(t.Context())
		if p := all.Find(1); err != nil || p.State != tables.Kept || !strings.HasPrefix(p.Reason, "the command was stopped") {
			t.Fatalf("version 1 is %s: %s (%v)", p.State, p.Reason, err)
		}
	}
}

func TestUndoFindsAVersionThatACrashedUndoHasOffered(t *testing.T) {
	h := replayed(t)
	h.stop()
	if err := h.tables.Offer(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if undone, err := h.rebuild.Undo(t.Context()); err != nil || undone.Version != 1 || h.live(t) != 1 {
		t.Errorf("version %d is live after %+v (%v)", h.live(t), undone, err)
	}
}

func TestACommandSwapsAtOnceWhereNoProjectorRuns(t *testing.T) {
	h := replayed(t)
	h.stop()
	h.log.append(foldtest.Stream(foldtest.Seeded(7), 20)...)
	undone, err := h.rebuild.Undo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	last, _ := h.log.Last(t.Context())
	if at, err := history.Projected(t.Context(), h.tables, projector.LogEvents); undone.Handed || h.live(t) != 1 || at != last || err != nil {
		t.Errorf("version %d is live at %d of %d (%v) after %+v", h.live(t), at, last, err, undone)
	}
}

func TestArchiveReplacesTheLog(t *testing.T) {
	h := newSetup(t)
	events := foldtest.Stream(foldtest.Seeded(4), 30)
	h.log.append(events...)
	if _, err := h.rebuild.Verify(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	archive := history.NewArchive(h.tables, 1)
	defer archive.Close()
	var after schema.Sequence
	seen := map[schema.EventKey]bool{}
	for {
		entries, err := archive.Read(t.Context(), after, 100, time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) == 0 {
			break
		}
		for _, entry := range entries {
			if entry.Sequence <= after {
				t.Fatalf("sequence %d after %d", entry.Sequence, after)
			}
			after = entry.Sequence
			event, refused := schema.Decode(entry.Payload, entry.ReceivedAt)
			if refused != nil {
				t.Fatal(refused)
			}
			seen[event.Key()] = true
		}
	}
	distinct := map[schema.EventKey]bool{}
	for i := range events {
		distinct[events[i].Key()] = true
	}
	if len(seen) != len(distinct) {
		t.Errorf("the archive gave %d events of %d", len(seen), len(distinct))
	}
}

func TestReplayMergesTheNewVersionBeforeItIsLive(t *testing.T) {
	h := newSetup(t)
	h.log.append(foldtest.Stream(foldtest.Seeded(5), 20)...)
	contacts := func(version uint32) tables.Parts {
		t.Helper()
		parts, err := h.tables.Parts(t.Context(), version)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range parts {
			if p.Table == "contacts" {
				return p
			}
		}
		t.Fatalf("no contacts in %+v", parts)
		return tables.Parts{}
	}
	h.rebuild.At = func(point string) {
		if point != "compared" {
			return
		}
		for n := range 2 {
			insert := fmt.Sprintf(`INSERT INTO parley_2.contacts (project_id, conversation_id, contact_id, started_at)
				SELECT 99, 'many', toString(number), toDateTime64(2 * number + %d, 3, 'UTC') FROM numbers(20000)`, n)
			if err := h.tables.Conn().Exec(t.Context(), insert); err != nil {
				t.Error(err)
			}
		}
		if p := contacts(2); p.Overlapping < 2 || p.Shared < 39_000 {
			t.Errorf("before it is live: %+v", p)
		}
	}
	replayed, err := h.rebuild.Replay(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if p := contacts(replayed.Version); replayed.Version != 2 || p.All != 1 || p.Overlapping > 0 {
		t.Errorf("version %d is live with %+v", replayed.Version, p)
	}
}
