package marketplacer

import (
	"context"
	"errors"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/schema"
)

// Store is the tables, read. Each method but the first two is one statement.
type Store interface {
	Live(ctx context.Context) (query.Live, error)
	// Await waits until the tables that answer show everything up to a position in
	// the log.
	Await(ctx context.Context, sequence schema.Sequence) (query.Live, error)
	SellerReader
	ThreadReader
}

// SellerReader reads sellers.
//
// Sellers returns a page of those in the filter, ordered by their last message,
// project and id, those without messages first; in reverse order if the page is Reversed.
type SellerReader interface {
	Sellers(ctx context.Context, scope query.Scope, filter SellerFilter, page query.Page) ([]SellerRow, error)
	CountSellers(ctx context.Context, scope query.Scope, filter SellerFilter) (uint64, error)
}

// ThreadReader reads chats, for many of them at once.
//
// Messages returns of each chat at most page.Limit messages, by their position;
// MessagesNamed those with the ids. Originals returns the archived events with the texts of the
// messages, none older than from, in Unix milliseconds. ContactsOfChats counts the contacts of the
// chats that have any, and those still open.
type ThreadReader interface {
	Messages(ctx context.Context, scope query.Scope, of []schema.ConversationKey, page query.Page, columns []string) ([]query.MessageRow, error)
	MessagesNamed(ctx context.Context, scope query.Scope, of []schema.ConversationKey, ids, columns []string) ([]query.MessageRow, error)
	ChatSummaries(ctx context.Context, scope query.Scope, of []schema.ConversationKey) ([]SummaryRow, error)
	Originals(ctx context.Context, scope query.Scope, of []schema.ConversationKey, ids []string, from int64) ([]query.EventRow, error)
	ContactsOfChats(ctx context.Context, scope query.Scope, of []schema.ConversationKey) ([]ContactsRow, error)
}

// SellerFilter selects sellers: nil members select all.
type SellerFilter struct {
	Name  string   // part of a name
	IDs   []string // of sellers
	Chats []string // subjects
}

// SellerRow is a row of sellers.
type SellerRow struct {
	Project                       uint32
	Chat, ID                      string
	Name, LegalName, Email, Phone *string
	Online                        *bool
	CreatedAt, UpdatedAt          int64
	Rank                          int64 // Unix milliseconds of the last message; below all of them if there is none
}

// ContactsRow is the contacts of a chat.
type ContactsRow struct {
	Project   uint32
	Chat      string
	All, Open uint64
}

// SummaryRow is the summary of the messages of a chat. Unread and the ids are of the
// messages that the side has not read, and has read last.
type SummaryRow struct {
	Project                   uint32
	Chat                      string
	Messages                  uint64
	AdminUnread, UserUnread   uint64
	AdminLast, UserLast, Last *string
}

// Log stores events. Append returns when they are on disk.
type Log interface {
	Append(ctx context.Context, project schema.ProjectID, events []schema.Event) (schema.Sequence, error)
}

// The errors of a Log, wrapped or not: nothing was stored, or the outcome is unknown.
var (
	ErrUnavailable    = errors.New("the log is not available")
	ErrUnknownOutcome = errors.New("the outcome is unknown: the log may have accepted the events")
)
