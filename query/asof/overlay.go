package asof

import (
	"context"
	"slices"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/meter"
	"github.com/parley-analytics/parley/schema"
)

// The limits of an overlay.
const (
	MostConversations = 50_000
	MostBytes         = 256 << 20
)

// portion is the most conversations whose events are read in one statement.
const portion = 500

// eventsOfPoint is how many events are decoded and folded for a point.
const eventsOfPoint = 10

// Tables is what overlays are made of. Scope.AsOf is the position.
//
// Position returns a position of the log up to which the tables of a projection have all rows; 0 if none is known.
//
// Straddling returns the conversations with events up to Scope.AsOf and one above after, at most
// limit of them.
//
// EventsOf returns the archived events of conversations, in any order.
type Tables interface {
	Position(ctx context.Context, projection uint32) (schema.Sequence, error)
	Straddling(ctx context.Context, scope query.Scope, after schema.Sequence, limit int) ([]schema.ConversationKey, error)
	EventsOf(ctx context.Context, scope query.Scope, keys []schema.ConversationKey) ([]query.EventRow, error)
}

// Overlay is the folds of the conversations that straddle a position. It is safe for concurrent use.
type Overlay struct {
	tables Tables
	scope  query.Scope

	// turn holds one token while a goroutine completes the overlay; it guards what follows.
	turn  chan struct{}
	begun bool            // it was completed once
	seen  schema.Sequence // conversations that straddle the position and have no event above it are known
	known map[schema.ConversationKey]bool
	rows  []fold.Rows
	// versions are the sequences of the events up to the position: no row of another conversation was written with one of them.
	versions []schema.Sequence
	bytes    int // of the events
}

func newOverlay(tables Tables, scope query.Scope) *Overlay {
	o := &Overlay{tables: tables, scope: scope, turn: make(chan struct{}, 1), seen: scope.AsOf, known: map[schema.ConversationKey]bool{}}
	o.turn <- struct{}{}
	return o
}

func (o *Overlay) take(ctx context.Context) error {
	select {
	case <-o.turn:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (o *Overlay) leave() { o.turn <- struct{}{} }

// State is the folds of an overlay at some moment, by conversation, and all versions up to the position that rows of these
// conversations can have in the tables. They must not be modified.
type State struct {
	Rows     []fold.Rows
	Versions []schema.Sequence
	known    int // conversations
}

// State returns what is folded.
func (o *Overlay) State(ctx context.Context) (State, error) {
	if err := o.take(ctx); err != nil {
		return State{}, err
	}
	defer o.leave()
	if !o.begun {
		if err := o.complete(ctx); err != nil {
			return State{}, err
		}
	}
	return State{slices.Clip(o.rows), slices.Clip(o.versions), len(o.known)}, nil
}

// Complete folds the conversations that have begun to straddle the position, and reports whether a state lacks any of those
// known now: others may have been folded for another statement in between. If it is interrupted, the next call goes on.
func (o *Overlay) Complete(ctx context.Context, used State) (grown bool, err error) {
	if err := o.take(ctx); err != nil {
		return false, err
	}
	defer o.leave()
	err = o.complete(ctx)
	return len(o.known) > used.known, err
}

func (o *Overlay) complete(ctx context.Context) error {
	position, err := o.tables.Position(ctx, o.scope.Projection) // first: rows above it may follow
	if err != nil {
		return err
	}
	found, err := o.tables.Straddling(ctx, o.scope, o.seen, MostConversations+1)
	if err != nil {
		return err
	}
	found = slices.DeleteFunc(found, func(key schema.ConversationKey) bool { return o.known[key] })
	if len(o.known)+len(found) > MostConversations {
		return tooMany()
	}
	for some := range slices.Chunk(found, portion) {
		if err := o.fold(ctx, some); err != nil {
			return err
		}
	}
	o.begun, o.seen = true, max(o.seen, position)
	return nil
}

func tooMany() error {
	return &query.Error{Code: query.CodeTooLarge, Message: "asOf: too many conversations have changed since this position: request fewer projects or a later position"}
}

// fold adds conversations.
func (o *Overlay) fold(ctx context.Context, keys []schema.ConversationKey) error {
	events, err := o.tables.EventsOf(ctx, o.scope, keys)
	if err != nil {
		return err
	}
	meter.From(ctx).Charge(len(events) / eventsOfPoint)
	of := make(map[schema.ConversationKey][]schema.Record, len(keys))
	for i := range events {
		if err := ctx.Err(); err != nil {
			return err
		}
		record, fault := events[i].Record()
		if fault != nil {
			continue // the fold of the projector leaves it out, too
		}
		for _, r := range schema.Until([]schema.Record{record}, o.scope.AsOf) {
			o.bytes += len(events[i].Original)
			o.versions = append(o.versions, r.Sequence)
			key := r.Event.ConversationKey()
			of[key] = append(of[key], r)
		}
	}
	if o.bytes > MostBytes {
		return tooMany()
	}
	for _, key := range keys {
		if rows := fold.Of(of[key]); !rows.Empty() {
			o.rows = append(o.rows, rows)
		}
		o.known[key] = true
	}
	return nil
}
