package schema

import "time"

// Type is the CloudEvents type of an event, its version included.
type Type string

// The closed set of event types. An unknown type is decided at decode, once.
const (
	TypeOpened       Type = "parley.conversation.opened.v1"
	TypeRouted       Type = "parley.conversation.routed.v1"
	TypePushed       Type = "parley.conversation.pushed.v1"
	TypeSnoozed      Type = "parley.conversation.snoozed.v1"
	TypeTransferred  Type = "parley.conversation.transferred.v1"
	TypeClosed       Type = "parley.conversation.closed.v1"
	TypeTagged       Type = "parley.conversation.tagged.v1"
	TypeUntagged     Type = "parley.conversation.untagged.v1"
	TypeMessage      Type = "parley.message.sent.v1"
	TypeRead         Type = "parley.message.read.v1"
	TypeDeleted      Type = "parley.message.deleted.v1"
	TypeCustomer     Type = "parley.customer.updated.v1"
	TypeSeller       Type = "parley.seller.updated.v1"
	TypeSatisfaction Type = "parley.satisfaction.answered.v1"
	TypeTransaction  Type = "parley.transaction.recorded.v1"
)

// Types lists every event type, in the order of the contract's table.
func Types() []Type {
	return []Type{
		TypeOpened, TypeRouted, TypePushed, TypeSnoozed, TypeTransferred, TypeClosed,
		TypeTagged, TypeUntagged, TypeMessage, TypeRead, TypeDeleted, TypeCustomer, TypeSeller,
		TypeSatisfaction, TypeTransaction,
	}
}

// Event is one decoded, valid event.
type Event struct {
	Project ProjectID
	// Conversation is the event's subject: the conversation, or for the events
	// of a customer or seller what ProfileSubject returns for it.
	Conversation ConversationID
	Source       string
	ID           string
	Type         Type
	Time         Timestamp // when it happened

	// Order is the sender's optional `sequence` attribute. It orders events of one instant and is
	// unrelated to the log's Sequence. Up to 19 digits, which a uint64 holds.
	Order    uint64
	HasOrder bool

	// Origin is the sequence that the event had in the log before an erasure appended it again
	// without personal data; 0 for every other event. Only an erasure sets it.
	Origin Sequence

	// Released says that the event was in quarantine before. Only a replay of quarantined events sets it.
	Released bool

	Data Data // never nil in a decoded event
}

// Key names the event.
func (e *Event) Key() EventKey { return EventKey{e.Project, e.Source, e.ID} }

// ConversationKey names the conversation the event belongs to.
func (e *Event) ConversationKey() ConversationKey {
	return ConversationKey{e.Project, e.Conversation}
}

// Announces reports whether the event announces an erasure: it repeats one that the erasure has
// appended before, which counts under this sequence, and replaces it. What an erasure appends first
// repeats the original.
func (e *Event) Announces(counting Sequence) bool { return e.Origin != 0 && e.Origin != counting }

// Record is an event as the log holds it: the event, its place and the moment
// the log took it.
type Record struct {
	Sequence   Sequence
	ReceivedAt Timestamp
	Event      Event
}

// First is the lowest sequence that the event has had: its own, or the one before an erasure.
func (r *Record) First() Sequence {
	if r.Event.Origin > 0 {
		return min(r.Event.Origin, r.Sequence)
	}
	return r.Sequence
}

// Marked reports whether the event has an attribute that no sender may set.
func (e *Event) Marked() bool { return e.Origin != 0 || e.Released }

// Until returns the records that the log held up to a sequence, each with the sequence that it had there: one that
// an erasure has moved behind it had the earlier one. It changes the list.
func Until(records []Record, last Sequence) []Record {
	kept := records[:0]
	for _, r := range records {
		if r.Sequence > last {
			r.Sequence, r.Event.Origin = r.First(), 0
		}
		if r.Sequence <= last {
			kept = append(kept, r)
		}
	}
	return kept
}

// Entry is one event of a log, or what was refused, as it is stored there.
type Entry struct {
	Sequence Sequence
	// Through is the sequence up to which nothing follows this entry, because its record ends there:
	// a reader that has taken it has everything up to there. 0 counts as Sequence: see Entry.End.
	Through    Sequence
	ReceivedAt time.Time // when the log took it
	Payload    []byte
}

// End is the position of a reader that has taken the entry.
func (e *Entry) End() Sequence { return max(e.Sequence, e.Through) }

// Data is the payload of an event: one of the types below, always a pointer.
// The set is closed.
type Data interface{ eventData() }

// UserKind classifies who handles a contact or writes a message.
type UserKind string

// The kinds of users. VISITOR occurs only as an author.
const (
	KindVisitor      UserKind = "VISITOR"
	KindProfessional UserKind = "PROFESSIONAL"
	KindExpert       UserKind = "EXPERT"
	KindBot          UserKind = "BOT"
)

// User is an operator as an event names it. Kind, Name and Email are empty
// where the event does not give them; Kind is always set in Pushed.
type User struct {
	ID    OperatorID
	Kind  UserKind
	Name  *string
	Email *string
}

// Ref names a routing rule, routing group, campaign or tag. Name is nil if
// the event does not give it.
type Ref struct {
	ID   string
	Name *string
}

// Visitor is the person on the other side. All of it except ID is personal data.
type Visitor struct {
	ID         string
	ExternalID *string
	FirstName  *string
	LastName   *string
	Email      *string
	Phone      *string
}

// CustomValue is one member of customData. Value is the string itself for a
// JSON string, and the text as written for a number, true or false.
type CustomValue struct {
	Key   string
	Value string
}

// Opened begins a conversation.
type Opened struct {
	Channel    Channel
	Language   *string
	Initiator  *Initiator
	Visitor    *Visitor
	Campaign   *Ref
	CustomData []CustomValue // in the order written; nil if absent, non-nil and empty for {}
}

// Routed is a distribution decision, before one or more pushes.
type Routed struct {
	Rule  Ref
	Group *Ref
}

// Pushed assigns the conversation to an operator and starts a contact.
type Pushed struct{ To User }

// Snoozed ends the open contact for a while.
type Snoozed struct {
	By    *User
	Until *Timestamp
}

// Transferred ends the open contact and hands the conversation to another
// operator or group.
type Transferred struct {
	From    *User
	To      *User
	ToRule  *Ref
	ToGroup *Ref
}

// Closed ends the open contact and the conversation.
type Closed struct {
	By     *User
	Reason *string
}

// Tagged puts a tag on the conversation.
type Tagged struct{ Tag Ref }

// Untagged removes a tag.
type Untagged struct{ Tag Ref }

// Message is a message sent. The author has an OperatorID if Kind is an operator's and the event
// has an id, and a VisitorID likewise for a visitor.
type Message struct {
	MessageID  string
	AuthorKind UserKind
	OperatorID *OperatorID
	VisitorID  *string
	Automatic  bool
	Text       *string
}

// Read marks messages of the other side as read: up to and including UpTo, or all of them if UpTo
// is nil. A message's readAt is the time of the first Read that covers it.
type Read struct {
	Reader Reader
	UpTo   *string
}

// Deleted removes the text of a message, which still counts as sent.
type Deleted struct{ MessageID string }

// Customer updates the profile of a customer: a visitor, by the visitor's id.
// A member that is nil keeps its value; those named in Clear lose it. All of it except ID and Type is personal data.
type Customer struct {
	ID         string
	ExternalID *string
	FirstName  *string
	LastName   *string
	Email      *string
	Phone      *string
	Notes      *string
	Type       *CustomerType
	IPAddress  *string
	IPLocation *string
	CustomData []CustomValue // replaces the earlier one as a whole; nil if absent
	Clear      []string      // names of members, as in the event; none of them is set here
}

// Seller updates the profile of a seller, by the same rules as Customer.
type Seller struct {
	ID                string
	BusinessName      *string
	LegalBusinessName *string
	EmailAddress      *string
	Phone             *string
	Online            *bool
	Clear             []string
}

// Satisfaction is an answer to a survey; at least one member is set. An empty
// comment is an answer.
type Satisfaction struct {
	CustomerSatisfaction *uint8 // 1..5
	NetPromoterScore     *uint8 // 0..10
	Comment              *string
}

// Transaction is a sale or, with a negative amount, a refund. The defaults of
// the contract are filled in: ReceivedAt from the event's time, TransactionID
// from ExternalConversionID.
type Transaction struct {
	TransactionID        string
	ExternalConversionID string
	Amount               Amount
	Currency             Currency
	ReceivedAt           Timestamp
	Source               *TransactionSource
	AttributedTo         *User
}

func (*Opened) eventData()       {}
func (*Routed) eventData()       {}
func (*Pushed) eventData()       {}
func (*Snoozed) eventData()      {}
func (*Transferred) eventData()  {}
func (*Closed) eventData()       {}
func (*Tagged) eventData()       {}
func (*Untagged) eventData()     {}
func (*Message) eventData()      {}
func (*Read) eventData()         {}
func (*Deleted) eventData()      {}
func (*Customer) eventData()     {}
func (*Seller) eventData()       {}
func (*Satisfaction) eventData() {}
func (*Transaction) eventData()  {}

// Initiator is the side that began a conversation.
type Initiator string

// The initiators of a conversation.
const (
	InitiatorVisitor  Initiator = "VISITOR"
	InitiatorOperator Initiator = "OPERATOR"
	InitiatorSystem   Initiator = "SYSTEM"
)

// Reader is the side that has read messages.
type Reader string

// The readers of messages: the visitor, or the operator side.
const (
	ReaderVisitor  Reader = "VISITOR"
	ReaderOperator Reader = "OPERATOR"
)

// CustomerType classifies a customer: with an account, without one but known by
// name, or unidentified.
type CustomerType string

// The types of a customer.
const (
	CustomerRegistered CustomerType = "CUSTOMER"
	CustomerGuest      CustomerType = "GUEST"
	CustomerVisitor    CustomerType = "VISITOR"
)

// TransactionSource is where a sale was made.
type TransactionSource string

// The sources of transactions.
const (
	SourceOnsite  TransactionSource = "ONSITE"
	SourceOffsite TransactionSource = "OFFSITE"
)

// Channel is the medium of a conversation.
type Channel string

// ChannelUnknown is the channel of a conversation whose opening is not known.
// No event may carry it.
const ChannelUnknown Channel = "UNKNOWN"

// Channels lists the channels that an event may carry.
func Channels() []Channel {
	return []Channel{
		"APPLE_BUSINESS_CHAT", "CALL", "CHAT", "EMAIL", "FACEBOOK",
		"FACEBOOK_BUSINESS_ON_MESSENGER", "GOOGLE_BUSINESS_MESSAGES", "INSTAGRAM",
		"MOBILE_APP", "SMS", "TWITTER", "VIDEO", "WHATSAPP",
	}
}
