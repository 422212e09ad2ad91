package fold

import (
	"github.com/shopspring/decimal"

	"github.com/parley-analytics/parley/schema"
)

// Rows are all rows of one conversation: what [Of] computes and the tables
// hold. Fields are defined in contract section 3; durations are in
// milliseconds and nil if the contract says null.
type Rows struct {
	Conversation Conversation
	Contacts     []Contact     // by ordinal
	Messages     []Message     // in fold order
	Transactions []Transaction // in the fold order of each id's first record

	// Customer and Seller are the profiles described by the events with this subject; nil without
	// one. Events of profiles have no other effect: without any other event, Conversation is zero
	// except for its key.
	Customer *Customer
	Seller   *Seller

	// Visitors are the ids of all visitors that an opening names, each once; the conversation's own
	// is one of them, and any other was it or may have been, before an earlier opening was known.
	Visitors             []string
	LastMessageAt        *schema.Timestamp // nil without messages
	LastVisitorMessageAt *schema.Timestamp // nil without messages of the visitor
}

// Empty reports whether there is no conversation: the events, if any, are only about a customer or seller.
func (r *Rows) Empty() bool { return r.Conversation.EventCount == 0 }

// LastSequence is the highest sequence of all events that the rows come from,
// those of profiles included: the version of the rows.
func (r *Rows) LastSequence() schema.Sequence {
	last := r.Conversation.LastSequence
	if r.Customer != nil {
		last = max(last, r.Customer.LastSequence)
	}
	if r.Seller != nil {
		last = max(last, r.Seller.LastSequence)
	}
	return last
}

// Conversation is a row of conversations, with the visitor of visitors.
type Conversation struct {
	schema.ConversationKey

	// BeganAt is the time of the event with the lowest sequence. It never changes: whatever
	// comes later has a higher sequence, however early it happened.
	BeganAt   schema.Timestamp
	CreatedAt schema.Timestamp
	UpdatedAt schema.Timestamp // time of the last event in fold order
	ClosedAt  *schema.Timestamp
	Duration  *int64

	FirstClosedAt *schema.Timestamp // time of the first close of all; it stays when the conversation is reopened

	Channel    schema.Channel
	Language   *string
	Initiator  *schema.Initiator
	Visitor    *schema.Visitor
	Campaign   *schema.Ref
	CustomData []schema.CustomValue // one value per key, sorted by key

	ContactCount, SnoozeCount, TransferCount, ReopenCount, AnomalyCount uint32

	Answered, AnsweredByHuman bool
	AutomationLevel           *AutomationLevel
	Abandoned                 bool

	FirstResponseTime, ResolutionTime, FirstResolutionTime *int64
	HandleTime, HumanHandleTime, SnoozeTime                int64

	VisitorMessageCount, OperatorMessageCount uint32

	CustomerSatisfaction *uint8
	NetPromoterScore     *uint8
	Comment              *string

	SatisfactionAnsweredAt *schema.Timestamp // time of the latest answer to any of the three

	// Tags and Users are the first schema.MaxListed of TagCount and UserCount.
	Tags                []schema.Ref  // in the order of first tagging
	Users               []schema.User // ascending by id; see Of for which kind and name count
	TagCount, UserCount uint32

	Routing     []Routing // in fold order
	Marks       []Mark    // in fold order
	Revenue     map[schema.Currency]decimal.Decimal
	CloseReason *string

	// Unattended are the times, ascending, from which on the conversation was unattended, each with
	// the time from which on it no longer was, if there is one. It is unattended while it is open and
	// its last message, automatic ones aside, is the visitor's.
	Unattended []schema.Timestamp

	FirstSequence, LastSequence schema.Sequence
	EventCount                  uint32
}

// AutomationLevel describes how much of a conversation bots handled.
type AutomationLevel string

// The automation levels.
const (
	FullyAutomated     AutomationLevel = "FULLY_AUTOMATED"
	PartiallyAutomated AutomationLevel = "PARTIALLY_AUTOMATED"
	NotAutomated       AutomationLevel = "NOT_AUTOMATED"
)

// Routing is one routing event of a conversation.
type Routing struct {
	At    schema.Timestamp
	Rule  schema.Ref
	Group *schema.Ref
}

// Mark is one system attachment: a pushed, snoozed, transferred or closed
// event. An inferred ending has none.
type Mark struct {
	EventID string
	At      schema.Timestamp
	// Position is the position in the thread, from 0, counted over marks and
	// messages together.
	Position uint32
	Type     schema.Type
	From     *schema.User // who snoozed, transferred or closed
	To       *schema.User // who is pushed or transferred to
	ToRule   *schema.Ref
	ToGroup  *schema.Ref
	Until    *schema.Timestamp
	Reason   *string
}

// Contact is a row of contacts.
type Contact struct {
	ID             string
	Ordinal        uint32
	Channel        schema.Channel
	StartedAt      schema.Timestamp
	EndedAt        *schema.Timestamp
	Duration       *int64
	Status         Status
	Ending         *Ending
	EndingInferred bool
	CloseReason    *string
	WaitTime       *int64

	FirstResponseTime                         *int64
	VisitorMessageCount, OperatorMessageCount uint32

	// ReturnTime is the time from the snooze that ended the contact to the next push; nil if there
	// is none yet, or the conversation was closed before.
	ReturnTime *int64

	Operator     schema.User
	RoutingRule  *schema.Ref
	RoutingGroup *schema.Ref
}

// Status reports whether a contact was answered.
type Status string

// The statuses.
const (
	Ongoing    Status = "ONGOING"
	Answered   Status = "ANSWERED"
	Unanswered Status = "UNANSWERED"
)

// Ending is how a contact ended.
type Ending string

// The endings. Repushed is inferred from a push to the same operator.
const (
	EndedSnoozed     Ending = "SNOOZED"
	EndedTransferred Ending = "TRANSFERRED"
	EndedClosed      Ending = "CLOSED"
	EndedRepushed    Ending = "REPUSHED"
)

// Message is a row of messages, with the text of message_texts.
type Message struct {
	ID         string
	ContactID  *string
	SentAt     schema.Timestamp
	AuthorKind schema.UserKind
	AuthorID   *string // the visitor id, or the operator id in digits
	Automatic  bool
	Text       *string           // nil once the message is deleted
	ReadAt     *schema.Timestamp // of the first read by the other side that covers it
	DeletedAt  *schema.Timestamp // of the first deletion
	Position   uint32            // see Mark.Position
}

// Transaction is a row of transactions.
type Transaction struct {
	ID                   string
	ExternalConversionID string
	Amount               schema.Amount
	Currency             schema.Currency
	ReceivedAt           schema.Timestamp
	Source               *schema.TransactionSource
	AttributedTo         *schema.OperatorID
}
