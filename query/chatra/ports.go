package chatra

import (
	"context"
	"errors"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/schema"
)

// Event is an event of this package, to be written.
type Event struct {
	ID      string
	Type    schema.Type
	Time    schema.Timestamp
	Subject schema.ConversationID
	Data    any // written by encoding/json
}

// ErrUnknownOutcome means that all, some or none of the events may have been appended.
var ErrUnknownOutcome = errors.New("chatra: the outcome of an append is unknown")

// Log is the log of events.
//
// Last returns its last sequence. Append returns when the events are on disk, in order; an event
// whose id is known changes nothing. A [*schema.Error] means that one of them is invalid, and that
// none was appended.
type Log interface {
	Last(ctx context.Context) (schema.Sequence, error)
	Append(ctx context.Context, project schema.ProjectID, events []Event) error
}

// Tables are what is read; the scope has exactly one project.
//
// Await waits until every event up to a sequence is in the tables. Chat returns the latest
// conversation of a client, Message the latest message of an id, and Client a client; each is nil
// if there is none. MessageEvents returns the latest archived events of one message, at most limit
// of them, and Opening those that opened a conversation.
type Tables interface {
	Await(ctx context.Context, sequence schema.Sequence) (query.Live, error)
	ChatOfClient(ctx context.Context, scope query.Scope, client string) (*ChatRow, error)
	ConversationExists(ctx context.Context, scope query.Scope, id schema.ConversationID) (bool, error)
	MessageByID(ctx context.Context, scope query.Scope, id string) (*MessageRow, error)
	MessageEvents(ctx context.Context, scope query.Scope, of schema.ConversationKey, id string, limit int) ([]query.EventRow, error)
	Client(ctx context.Context, scope query.Scope, id string) (*ClientRow, error)
	OpeningEvents(ctx context.Context, scope query.Scope, of schema.ConversationKey, limit int) ([]query.EventRow, error)
}

// ChatRow is the latest conversation of a client.
type ChatRow struct {
	Conversation string
	Closed       bool
	Contacts     uint32
	Operator     int64  // in contact now; 0 for none
	Total        uint64 // conversations of the client
}

// MessageRow is a message.
type MessageRow struct {
	Conversation string
	Visitor      *string // of the conversation
	AuthorKind   string
	AuthorID     *string
	Automatic    bool
	SentAt       int64
	Deleted      bool
}

// ClientRow is what is known of a client: what its profile says, and what the
// openings of its conversations say, of each member the latest.
type ClientRow struct {
	Profile, Opened Person
	Notes           *string           // of the profile
	ProfileAt       int64             // time of the last event of the profile; 0 without one
	Conversation    *string           // the latest one whose opening has custom data, else the latest one
	Language        *string           // of that conversation
	CustomData      map[string]string // of that conversation
}

// Person is the identity of a client.
type Person struct{ FirstName, LastName, Email, Phone *string }
