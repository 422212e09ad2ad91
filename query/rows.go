package query

import (
	"github.com/shopspring/decimal"

	"github.com/parley-analytics/parley/schema"
)

// The rows use the types of the tables: times and durations in milliseconds, lists as parallel
// slices. Resolvers convert them into the SDL's types.

// ConversationRow is a row of conversations.
type ConversationRow struct {
	Project        uint32
	ID             string
	FirstContactAt *int64 // bounds of the starts of its contacts
	LastContactAt  *int64
	Version        uint64 // of the fold that wrote the row

	CreatedAt         int64
	ClosedAt          *int64 // always read
	Duration          *int64
	Channel           string
	Language          *string
	Initiator         *string
	VisitorID         *string
	CampaignID        *string
	CampaignName      *string
	CustomData        map[string]string
	ContactCount      uint32
	SnoozeCount       uint32
	TransferCount     uint32
	ReopenCount       uint32
	AnomalyCount      uint32
	Answered          bool
	AnsweredByHuman   bool
	AutomationLevel   *string
	Abandoned         bool
	FirstResponse     *int64
	Resolution        *int64
	FirstResolution   *int64
	Handle            int64
	HumanHandle       int64
	Snooze            int64
	VisitorMessages   uint32
	OperatorMessages  uint32
	Satisfaction      *uint8
	Score             *uint8
	Comment           *string
	TagIDs            []string
	TagNames          []*string
	Revenue           map[string]decimal.Decimal
	CloseReason       *string
	EventCount        uint32
	FirstSequence     uint64
	LastSequence      uint64
	UserIDs           []int64
	UserKinds         []string
	UserNames         []*string
	UserEmails        []*string
	RoutingAt         []int64
	RoutingRuleIDs    []string
	RoutingRuleNames  []*string
	RoutingGroupIDs   []*string
	RoutingGroupNames []*string
	MarkEvents        []string
	MarkAt            []int64
	MarkPositions     []uint32
	MarkTypes         []string
	MarkFromIDs       []*int64
	MarkFromKinds     []*string
	MarkFromNames     []*string
	MarkFromEmails    []*string
	MarkToIDs         []*int64
	MarkToKinds       []*string
	MarkToNames       []*string
	MarkToEmails      []*string
	MarkToRuleIDs     []*string
	MarkToRuleNames   []*string
	MarkToGroupIDs    []*string
	MarkToGroupNames  []*string
	MarkUntil         []*int64
	MarkReasons       []*string
}

// ContactRow is a row of contacts.
type ContactRow struct {
	Project      uint32
	Conversation string
	ID           string
	StartedAt    int64
	Version      uint64 // the last sequence folded in

	Ordinal          uint32
	Channel          string
	EndedAt          *int64
	Duration         *int64
	Status           string
	Ending           *string
	EndingInferred   bool
	CloseReason      *string
	Wait             *int64
	FirstResponse    *int64
	VisitorMessages  uint32
	OperatorMessages uint32
	OperatorID       int64
	OperatorKind     string
	OperatorName     *string
	OperatorEmail    *string
	RuleID           *string
	RuleName         *string
	GroupID          *string
	GroupName        *string
}

// MessageRow is a row of messages, with its text.
type MessageRow struct {
	Project      uint32
	Conversation string
	Position     uint32

	ID         string
	SentAt     int64
	Contact    *string
	AuthorKind string
	AuthorID   *string
	Automatic  bool
	Text       *string
	ReadAt     *int64
	DeletedAt  *int64
}

// TransactionRow is a row of transactions.
type TransactionRow struct {
	Project      uint32
	Conversation string
	Version      uint64 // the last sequence folded in

	ID           string
	Conversion   string
	Amount       decimal.Decimal
	Currency     string
	ReceivedAt   int64
	Source       *string
	AttributedTo *int64
}

// UserRow is an operator who took part in conversations of a project, by the latest name.
type UserRow struct {
	Project uint32
	ID      int64
	Kind    string
	Name    *string
	Email   *string
}

// VisitorRow is a row of visitors.
type VisitorRow struct {
	Project      uint32
	Conversation string

	ID         string
	ExternalID *string
	FirstName  *string
	LastName   *string
	Email      *string
	Phone      *string
}

// EventRow is a row of events.
type EventRow struct {
	Sequence   uint64
	ReceivedAt int64
	Original   string // the bytes as the log holds them
}

// Record decodes the event. One that was valid when it was archived and no longer is, is left out by the fold, too.
func (r *EventRow) Record() (schema.Record, *schema.Error) {
	received := schema.Timestamp(r.ReceivedAt)
	event, fault := schema.Decode([]byte(r.Original), received.Time())
	return schema.Record{Sequence: schema.Sequence(r.Sequence), ReceivedAt: received, Event: event}, fault
}
