package stream

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/schema"
)

const (
	pageRows  = 2000 // of a statement
	mostWaits = 64   // batches that a reader may be behind

	// leastPause and idleFactor limit how often a hub asks: for each moment that a statement takes, several go by.
	leastPause = 50 * time.Millisecond
	idleFactor = 4
	retryAfter = time.Second

	// behindPause is how often a hub looks whether rows that were behind are there.
	behindPause = 250 * time.Millisecond
)

// Change is a row and the place of its change.
type Change struct {
	At           Position
	Project      schema.ProjectID
	Conversation schema.ConversationID
	Contact      string // its id; empty in the other tables
	Erased       bool   // the change is an erasure
	Row          []byte // JSON in one line
}

// batch is what has changed up to a sequence.
type batch struct {
	changes []Change
	upTo    schema.Sequence
	shown   *shown
}

// hub reads the changes of one table for all of its readers.
type hub struct {
	table  query.Table
	tables Tables
	log    *slog.Logger
	drops  prometheus.Counter
	wake   chan struct{} // holds something when a first reader has come

	mu      sync.Mutex
	at      schema.Sequence // everything up to here has been given to the readers of that time
	readers map[*reader]struct{}
	ended   bool
}

// reader is one connection. Its channel is closed when it is dropped or the hub ends.
type reader struct{ batches chan batch }

func newHub(table query.Table, tables Tables, log *slog.Logger, drops prometheus.Counter) *hub {
	return &hub{table: table, tables: tables, log: log, drops: drops, wake: make(chan struct{}, 1), readers: map[*reader]struct{}{}}
}

// join adds a reader. Its batches begin behind the position returned, or earlier.
func (h *hub) join(present schema.Sequence) (*reader, schema.Sequence) {
	r := &reader{batches: make(chan batch, mostWaits)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		close(r.batches)
		return r, present
	}
	if len(h.readers) == 0 {
		h.at = max(h.at, present) // the present may have been read a moment ago, and be older
		select {
		case h.wake <- struct{}{}:
		default:
		}
	}
	h.readers[r] = struct{}{}
	return r, max(h.at, present)
}

// leave removes a reader.
func (h *hub) leave(r *reader) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.readers, r)
}

// run reads while there are readers, until ctx ends.
func (h *hub) run(ctx context.Context) {
	defer h.end()
	for {
		position, reading := h.position()
		if !reading {
			select {
			case <-ctx.Done():
				return
			case <-h.wake:
				continue
			}
		}
		began := time.Now()
		pause := leastPause
		if b, err := h.read(ctx, position, &began); err == nil {
			h.give(b)
			pause = max(pause, idleFactor*time.Since(began))
		} else if ctx.Err() == nil {
			h.log.WarnContext(ctx, "cannot read changes", "table", h.table, "error", err)
			pause = retryAfter
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

func (h *hub) position() (at schema.Sequence, reading bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at, len(h.readers) > 0
}

// read waits until the tables have moved past a position, and reads one page of what has changed since.
func (h *hub) read(ctx context.Context, after schema.Sequence, began *time.Time) (batch, error) {
	live, err := h.tables.Await(ctx, after+1)
	for err == nil && live.Position <= after { // the rows of a large conversation are behind
		select {
		case <-ctx.Done():
			return batch{}, ctx.Err()
		case <-time.After(behindPause):
		}
		live, err = h.tables.Await(ctx, after+1)
	}
	if err != nil {
		return batch{}, err
	}
	*began = time.Now()
	return page(ctx, h.tables, h.table, query.Scope{Projection: live.Projection, Projects: schema.Projects{All: true}}, after, live.Position)
}

// page reads changes up to a sequence, or as many as one statement may return.
func page(ctx context.Context, tables Tables, table query.Table, scope query.Scope, after, upTo schema.Sequence) (batch, error) {
	changes, err := tables.Changes(ctx, table, scope, after, upTo, pageRows)
	if len(changes) >= pageRows {
		upTo = changes[len(changes)-1].At.Sequence
	}
	return batch{changes, upTo, new(shown)}, err
}

// give passes a batch to the readers, and drops those that are too far behind.
func (h *hub) give(b batch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = b.upTo
	for r := range h.readers {
		select {
		case r.batches <- b:
		default:
			h.drops.Inc()
			delete(h.readers, r)
			close(r.batches)
		}
	}
}

func (h *hub) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = true
	for r := range h.readers {
		delete(h.readers, r)
		close(r.batches)
	}
}
