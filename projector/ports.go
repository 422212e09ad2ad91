package projector

import (
	"context"
	"time"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

// Log reads one log in order.
//
// Read gives up to most entries with sequences greater than after, ascending,
// each once, and waits up to wait for the first of them; nothing within wait is
// no error. Sequences may have gaps where entries were discarded. The payloads
// are valid until the next call. Reading on from the last entry returned is
// cheap; any other position starts a new reader underneath. One goroutine at a
// time.
//
// Last is the highest sequence the log has given out, 0 for a log that never
// held anything. It may be asked while a Read is under way.
//
// A Log that has a method Close() is closed after every failure and when it
// stands still: the next Read starts a new reader, whatever its position.
type Log interface {
	Read(ctx context.Context, after schema.Sequence, most int, wait time.Duration) ([]schema.Entry, error)
	Last(ctx context.Context) (schema.Sequence, error)
}

// The logs: of events, and of what was refused at the edge.
const (
	LogEvents   = "events"
	LogRejected = "rejected"
)

// Batch is what one round of the loop writes.
type Batch struct {
	Log      string // name of the log the position counts in
	Position schema.Sequence

	Changes    []Change
	Events     []ArchivedEvent // new, distinct, in log order
	Quarantine []Rejection
}

// Change is the difference that a batch makes to one conversation.
type Change struct {
	After fold.Rows
	// Before is the fold without the batch's events; nil for a conversation
	// that had none, or whose rows have to be written in full.
	Before *fold.Rows
	// Retired lists sort keys (closing times, zero for open) at which a row of
	// the conversation may stand although After has another one.
	Retired []schema.Timestamp
}

// ArchivedEvent is an event with the bytes of the log.
type ArchivedEvent struct {
	schema.Record
	Original []byte
}

// Rejection is a row of quarantine.
type Rejection struct {
	Log        string
	Sequence   schema.Sequence
	ReceivedAt schema.Timestamp
	Reason     schema.Code
	Detail     string
	Source     string // empty where unknown
	EventID    string // empty where unknown
	Original   []byte
}

// Stray is a conversation with rows ahead of the position: left by a batch
// that was cut off before its position was written.
type Stray struct {
	schema.ConversationKey
	Version schema.Sequence    // highest version found
	Keys    []schema.Timestamp // sort keys found (closing times, zero for open)
}

// Sink is where rows go: one projection's tables.
//
// Position is the last sequence of the log that Write has stored, 0 at first.
//
// Write stores a batch durably, in this order: rows, events, keys, quarantine,
// position. It may fail between any two; writing the same or an overlapping
// batch again afterwards leads to the same tables. An error that no repetition
// mends is an [*UnwritableError].
//
// Sink and Archive are used by one goroutine at a time, for all logs together.
type Sink interface {
	Position(ctx context.Context, log string) (schema.Sequence, error)
	Write(ctx context.Context, batch *Batch) error
}

// Archive is what the sink has stored, read back.
//
// Recall gives all archived events of the conversations asked for, with their
// bytes, in log order; conversations without any are absent.
//
// Known tells which of the keys belong to an event that was written, with the
// lowest sequence under which it was.
//
// Ahead lists the conversations with rows whose version is above the stored
// position of the log; empty after a clean stop. Only the log of events is asked
// about: versions count in no other.
type Archive interface {
	Recall(ctx context.Context, keys []schema.ConversationKey) (map[schema.ConversationKey][]ArchivedEvent, error)
	Known(ctx context.Context, keys []schema.EventKey) (map[schema.EventKey]schema.Sequence, error)
	Ahead(ctx context.Context, log string) ([]Stray, error)
}

// UnwritableError says that the rows of a batch are refused for good, not for
// the moment: repeating does not help, taking the event out does.
type UnwritableError struct{ Err error }

// Error reads as the cause.
func (e *UnwritableError) Error() string { return "unwritable: " + e.Err.Error() }

// Unwrap gives the cause.
func (e *UnwritableError) Unwrap() error { return e.Err }
