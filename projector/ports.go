package projector

import (
	"context"
	"math"
	"time"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

// Log reads one log in order.
//
// Read returns up to most entries with sequences greater than after, ascending,
// each once, and waits up to wait for the first of them; nothing within wait is
// not an error. Sequences may have gaps where entries were discarded. The
// payloads are valid until the next call. Reading on from the end of the last entry
// returned is cheap; any other position starts a new reader underneath. One
// goroutine at a time.
//
// Last is the end of the last entry that the log has held (see [schema.Entry.End]),
// 0 for a log that never held anything. It may be asked while a Read is under way.
//
// Close ends the reader underneath, after every failure and when it makes no
// progress: the next Read starts a new one, whatever its position.
type Log interface {
	Read(ctx context.Context, after schema.Sequence, most int, wait time.Duration) ([]schema.Entry, error)
	Last(ctx context.Context) (schema.Sequence, error)
	Close()
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
	Origin   Origin
	// Contested means that another batch with some of these events may have been written, in part or
	// as a whole, or may still be on its way to the tables: one that this process gave up, or one of
	// the process that projected before. The changes then contain all rows of their conversations.
	Contested bool

	Changes    []Change
	Events     []ArchivedEvent // new, distinct, in log order
	Quarantine []Rejection
	// Withdrawn are events that count no longer: others replace them, or the tables have rejected rows
	// of them, but may hold others.
	Withdrawn []schema.Record
}

// Change is the difference that a batch makes to one conversation.
type Change struct {
	After fold.Rows
	// Before is the fold without the batch's events; nil for a conversation
	// that had none. Where the fold was continued, the messages of Before and
	// After are those that have changed.
	Before *fold.Rows
	// Replaces means that the conversation has no rows but those of After, whatever the tables
	// hold, and with whichever versions. A reader never sees it without any.
	Replaces bool
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
	Source     string // empty if unknown
	EventID    string // empty if unknown
	Original   []byte

	// Of a row that stands for a conversation: higher wins, and whether it goes.
	Version uint64
	Gone    bool
}

// Sink is where rows go: one projection's tables.
//
// Position returns the last sequence of the log that Write has stored, 0 at
// first, and the highest sequence of the log that any row was made of. The two
// are equal but for a batch that was cut off: then the second is higher. Origin
// returns what was stored with that position.
//
// Write stores a batch durably, in this order: rows, events, keys, quarantine,
// position. It may fail between any two; writing the same or an overlapping
// batch again afterwards, as contested, leads to the same tables, also when its folds are
// older than rows that are there (then these stay until a fold is as new), and also
// when a batch that was cut off arrives after a contested one with its events. An
// error that a retry cannot fix is an [*UnwritableError]; one for lack of memory, in
// any method of Sink and Archive, is a [*TooLargeError].
//
// Aside returns the conversations that are set aside, or whose rows differ from their events, as
// the rows of quarantine say.
//
// Unwritable returns the events of a log that are in quarantine because the tables have refused
// them: the latest, at most [MostUnwritable], without their bytes.
//
// Sink and Archive, but for Piece and Pieces, are used by one goroutine at a time, for all logs together.
type Sink interface {
	Position(ctx context.Context, log string) (stored, held schema.Sequence, err error)
	Origin(ctx context.Context, log string) (Origin, error)
	Write(ctx context.Context, batch *Batch) error
	Aside(ctx context.Context) ([]Aside, error)
	Unwritable(ctx context.Context, log string) ([]Rejection, error)
}

// MostUnwritable is how many events [Sink] returns of those that were refused.
const MostUnwritable = 1000

// Archive is what the sink has stored, read back.
//
// Recall returns all archived events of the given conversations, with their
// bytes, in log order; conversations without any are absent.
//
// Known returns which of the keys belong to an event that was written, with the
// lowest sequence under which it was.
//
// Messages returns the messages wanted of each conversation, without their texts,
// as far as there are any; every conversation is present, even with no message. It
// is not asked while batches are contested: rows may be newer than the position then.
//
// Larger returns which conversations have more archived events than so many.
//
// Piece returns some archived events of one conversation, without their bytes. Pieces cuts one into pieces by time, of about
// so many events: all of an instant are in one of them. Both may be called while others are under way.
//
// Doubt says that another process may have written events and keys: what is remembered of them
// does not count any more.
type Archive interface {
	Doubt()
	Recall(ctx context.Context, keys []schema.ConversationKey) (map[schema.ConversationKey][]ArchivedEvent, error)
	Larger(ctx context.Context, keys []schema.ConversationKey, most int) ([]schema.ConversationKey, error)
	Piece(ctx context.Context, piece Piece) ([]schema.Record, error)
	Pieces(ctx context.Context, piece Piece, about int) ([]Piece, error)
	Known(ctx context.Context, keys []schema.EventKey) (map[schema.EventKey]schema.Sequence, error)
	Messages(ctx context.Context, wanted map[schema.ConversationKey]fold.Wanted) (map[schema.ConversationKey][]fold.Message, error)
}

// Piece is a part of the archived events of a conversation: those with sequences after one and up to another that
// happened later than a time, until another. If Most is given, only so many of them, those with the lowest sequences.
type Piece struct {
	schema.ConversationKey
	After, UpTo  schema.Sequence
	Later, Until schema.Timestamp
	Most         int
}

// whole is the piece with all events between two sequences.
func whole(key schema.ConversationKey, after, upTo schema.Sequence) Piece {
	return Piece{ConversationKey: key, After: after, UpTo: upTo, Later: -1, Until: math.MaxInt64}
}

// UnwritableError reports that the rows of a batch are refused permanently:
// retrying does not help, removing the event does.
type UnwritableError struct{ Err error }

// Error reads as the cause.
func (e *UnwritableError) Error() string { return "unwritable: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *UnwritableError) Unwrap() error { return e.Err }
