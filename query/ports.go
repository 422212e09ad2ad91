package query

import (
	"context"

	"github.com/parley-analytics/parley/schema"
)

// Scope limits what a statement can read: the tables of one projection and the rows of these
// projects. The zero value allows nothing.
type Scope struct {
	Projection uint32
	Projects   schema.Projects
	AsOf       schema.Sequence // the position whose rows are read; 0 reads the present ones
	// Straddling leaves only rows of conversations with events on both sides of AsOf, and of theirs.
	Straddling bool
	// Since, unless it is 0, leaves only rows of conversations with events above it. It needs AsOf.
	Since schema.Sequence
}

// Empty reports whether no row can be in the scope.
func (s Scope) Empty() bool { return !s.Projects.All && len(s.Projects.IDs) == 0 }

// Live is the projection that answers, and its position in the log: every event up to there is in its tables.
type Live struct {
	Projection uint32
	// Position is the one that answers report. Written is higher while the rows of a large conversation are behind: the rows of all others
	// are written up to it.
	Position, Written schema.Sequence
}

// Store is the tables, read. Every method but Live, and those of Publisher, is one statement. Position returns the present
// position of a projection in the log, and Written that of Live; Live's may be a second old. PositionAt returns the last
// position of the archived events that the log had received at a time, 0 if there was none.
//
// Columns name what is read of a row, by the names of the SDL's fields; other
// members of the rows keep their zero values. Keys are always read. Errors with
// a code ([Error]) may be shown to the caller, all others may not.
type Store interface {
	Live(ctx context.Context) (Live, error)
	Position(ctx context.Context, projection uint32) (schema.Sequence, error)
	Written(ctx context.Context, projection uint32) (schema.Sequence, error)
	PositionAt(ctx context.Context, projection uint32, at schema.Timestamp) (schema.Sequence, error)
	ConversationReader
	ContactReader
	CustomerReader
	TransactionReader
	UserReader
	ThreadReader
	FigureReader
	WorkloadReader
	EventReader
	ChangeReader
	Publisher
	DurationPublisher
	ListPublisher
	WorkloadPublisher
}

// ConversationReader reads conversations.
//
// ClosedConversations returns a page of those closed in the interval, ordered by
// closing time, project and id; in reverse order if the page is Reversed.
//
// CreatedConversations returns a page of those created in the interval, open ones
// too, ordered by creation, project and id; in reverse order if the page is Reversed.
//
// Conversations returns those with the ids, in all projects of the scope, in no
// particular order.
//
// ConversationsOf returns of each customer at most page.Limit, ordered by creation,
// project and id; in reverse order if the page is Reversed.
type ConversationReader interface {
	ClosedConversations(ctx context.Context, scope Scope, interval Interval, filter *Filter, page Page, columns []string) ([]ConversationRow, error)
	CountClosedConversations(ctx context.Context, scope Scope, interval Interval, filter *Filter) (uint64, error)
	CreatedConversations(ctx context.Context, scope Scope, interval Interval, filter *Filter, page Page, columns []string) ([]ConversationRow, error)
	CountCreatedConversations(ctx context.Context, scope Scope, interval Interval, filter *Filter) (uint64, error)
	Conversations(ctx context.Context, scope Scope, ids []string, columns []string) ([]ConversationRow, error)
	ConversationsOf(ctx context.Context, scope Scope, customers []CustomerKey, page Page, columns []string) ([]ConversationRow, error)
}

// ContactReader reads contacts.
//
// Contacts returns a page of those started in the interval, ordered by start,
// project and id; in reverse order if the page is Reversed.
//
// ContactsOf returns all of the conversations with the ids that started in the
// interval, ordered by conversation and ordinal.
type ContactReader interface {
	Contacts(ctx context.Context, scope Scope, interval Interval, filter *Filter, page Page, columns []string) ([]ContactRow, error)
	CountContacts(ctx context.Context, scope Scope, interval Interval, filter *Filter) (uint64, error)
	ContactsOf(ctx context.Context, scope Scope, interval Interval, ids []string, columns []string) ([]ContactRow, error)
}

// TransactionReader reads transactions.
//
// ReceivedTransactions returns a page of those received in the interval, whose conversations match
// the filter, ordered by receipt, project, conversation and id; in reverse order if the page is Reversed.
type TransactionReader interface {
	ReceivedTransactions(ctx context.Context, scope Scope, interval Interval, filter *Filter, page Page) ([]TransactionRow, error)
	CountReceivedTransactions(ctx context.Context, scope Scope, interval Interval, filter *Filter) (uint64, error)
}

// UserReader reads the operators who took part in conversations.
//
// Users returns a page of them, each once in a project, ordered by id and project; in reverse order if
// the page is Reversed. Place.At of the page is the id.
type UserReader interface {
	Users(ctx context.Context, scope Scope, page Page) ([]UserRow, error)
	CountUsers(ctx context.Context, scope Scope) (uint64, error)
}

// ThreadReader reads details of conversations, for many of them at once.
//
// Messages returns at most page.Limit messages of each conversation, by their
// position in the thread; in reverse order if the page is Reversed.
type ThreadReader interface {
	Messages(ctx context.Context, scope Scope, of []schema.ConversationKey, page Page, columns []string) ([]MessageRow, error)
	Transactions(ctx context.Context, scope Scope, of []schema.ConversationKey) ([]TransactionRow, error)
	Visitors(ctx context.Context, scope Scope, of []schema.ConversationKey) ([]VisitorRow, error)
}

// FigureReader counts rows. Each group with a row is returned once, at most grouping.Limit of them.
//
// ConversationFigures count the conversations closed in the interval: by closing
// time, and to each value that one of them has. ContactFigures count the contacts
// started in it. With grouping.Total they return one row more, of all that are counted.
//
// ConversationsWithin and ContactsWithin count those of them with at most each
// duration of a distribution, named by its field, and of all of them with grouping.Total.
//
// ConversationStates returns the changes of state before the end of the interval, with the step -1
// for those before its start. ConversationsUnattended does so for those of the state unattended. Both
// return at most twice grouping.Limit groups.
type FigureReader interface {
	ConversationStates(ctx context.Context, scope Scope, interval Interval, filter *Filter, grouping Grouping, columns []string) ([]StateFigures, error)
	ConversationsUnattended(ctx context.Context, scope Scope, interval Interval, filter *Filter, grouping Grouping) ([]StateFigures, error)
	ConversationFigures(ctx context.Context, scope Scope, interval Interval, filter *Filter, grouping Grouping, columns []string) ([]ConversationFigures, error)
	ContactFigures(ctx context.Context, scope Scope, interval Interval, filter *Filter, grouping Grouping, columns []string) ([]ContactFigures, error)
	ConversationsWithin(ctx context.Context, scope Scope, interval Interval, filter *Filter, grouping Grouping, field string, most []int64) ([]Within, error)
	ContactsWithin(ctx context.Context, scope Scope, interval Interval, filter *Filter, grouping Grouping, field string, most []int64) ([]Within, error)
}

// WorkloadReader counts contacts by the first dimension of a grouping, at most grouping.Limit rows.
//
// Concurrency counts the contacts open at some moment of the interval, for each value and step that has one, and reads no figures but
// the columns asked for: fields of a bucket. A contact that has not ended lasts until now. Transfers
// counts those started in it that were transferred, by their own value and that of the next contact.
type WorkloadReader interface {
	Concurrency(ctx context.Context, scope Scope, interval Interval, filter *Filter, grouping Grouping, now schema.Timestamp, columns []string) ([]ConcurrencyFigures, error)
	Transfers(ctx context.Context, scope Scope, interval Interval, filter *Filter, grouping Grouping) ([]TransferFigures, error)
}

// EventReader reads the archive.
//
// Events returns at most limit events of a conversation, by sequence.
//
// RestatedEvents counts the events of conversations that the log got after a position and up to the one of
// the scope.
//
// ReopenCounts returns how often conversations were reopened; those that never were are left out.
type EventReader interface {
	ReopenCounts(ctx context.Context, scope Scope) (map[schema.ConversationKey]uint32, error)
	RestatedEvents(ctx context.Context, scope Scope, of []schema.ConversationKey, since schema.Sequence) ([]RestatedEvents, error)
	Events(ctx context.Context, scope Scope, of schema.ConversationKey, limit int) ([]EventRow, error)
}

// ChangeReader finds out which of some conversations match a filter, or which of their contacts that started in the interval, and
// in which state they are.
type ChangeReader interface {
	Matching(ctx context.Context, table Table, scope Scope, interval Interval, filter *Filter, conversations []string) ([]RowVersion, error)
}
