package storetest

import (
	"encoding/json"
	"time"
)

// Millis is a moment in Unix milliseconds; in JSON it is written as ClickHouse
// reads it.
type Millis int64

// MarshalJSON writes 2020-06-01 08:30:00.000.
func (m Millis) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.UnixMilli(int64(m)).UTC().Format("2006-01-02 15:04:05.000"))
}

// World is the rows of a projection.
type World struct {
	Conversations []Conversation
	Contacts      []Contact
	Transactions  []Transaction
	Messages      []Message
	Texts         []Text
	Visitors      []Visitor
	Events        []Event
}

// Conversation is a row of conversations.
type Conversation struct {
	Project   uint32  `json:"project_id"`
	ID        string  `json:"conversation_id"`
	CreatedAt Millis  `json:"created_at"`
	ClosedAt  *Millis `json:"closed_at"`
	Duration  *int64  `json:"duration_ms"`

	Channel      string            `json:"channel"`
	Language     *string           `json:"language"`
	Initiator    *string           `json:"initiator"`
	Visitor      *string           `json:"visitor_id"`
	Campaign     *string           `json:"campaign_id"`
	CampaignName *string           `json:"campaign_name"`
	CustomData   map[string]string `json:"custom_data"`

	ContactCount  uint32 `json:"contact_count"`
	SnoozeCount   uint32 `json:"snooze_count"`
	TransferCount uint32 `json:"transfer_count"`
	ReopenCount   uint32 `json:"reopen_count"`
	AnomalyCount  uint32 `json:"anomaly_count"`

	Answered        bool    `json:"answered"`
	AnsweredByHuman bool    `json:"answered_by_human"`
	Automation      *string `json:"automation_level"`
	Abandoned       bool    `json:"abandoned"`

	FirstResponse   *int64 `json:"first_response_time_ms"`
	Resolution      *int64 `json:"resolution_time_ms"`
	FirstResolution *int64 `json:"first_resolution_time_ms"`
	Handle          int64  `json:"handle_time_ms"`
	HumanHandle     int64  `json:"human_handle_time_ms"`
	Snooze          int64  `json:"snooze_time_ms"`

	VisitorMessages  uint32 `json:"visitor_message_count"`
	OperatorMessages uint32 `json:"operator_message_count"`

	Satisfaction *uint8  `json:"customer_satisfaction"`
	Score        *uint8  `json:"net_promoter_score"`
	Comment      *string `json:"satisfaction_comment"`

	TagIDs           []string          `json:"tag_ids"`
	TagNames         []*string         `json:"tag_names"`
	UserIDs          []int64           `json:"user_ids"`
	Revenue          map[string]string `json:"revenue"`
	TransactionCount uint32            `json:"transaction_count"`
	CloseReason      *string           `json:"close_reason"`

	EventCount    uint32 `json:"event_count"`
	FirstSequence uint64 `json:"first_sequence"`
	LastSequence  uint64 `json:"last_sequence"`

	BeganAt           Millis            `json:"_began_at"`
	FirstContactAt    *Millis           `json:"_first_contact_at"`
	LastContactAt     *Millis           `json:"_last_contact_at"`
	OperatorIDs       []int64           `json:"_operator_ids"`
	OperatorKinds     []string          `json:"_operator_kinds"`
	RoutingRules      []string          `json:"_routing_rule_ids"`
	RoutingGroups     []string          `json:"_routing_group_ids"`
	TransactionCounts map[string]uint32 `json:"_transaction_counts"`
	Users             []User            `json:"_users"`
	Routing           []Routing         `json:"_routing"`
	Marks             []Mark            `json:"_marks"`
	Version           uint64            `json:"_version"`
}

// User is an operator who took part.
type User struct {
	ID    int64   `json:"id"`
	Kind  string  `json:"kind"`
	Name  *string `json:"name"`
	Email *string `json:"email"`
}

// Routing is a routing event.
type Routing struct {
	At        Millis  `json:"at"`
	Rule      string  `json:"rule_id"`
	RuleName  *string `json:"rule_name"`
	Group     *string `json:"group_id"`
	GroupName *string `json:"group_name"`
}

// Mark is a system attachment.
type Mark struct {
	Event       string  `json:"event_id"`
	At          Millis  `json:"at"`
	Position    uint32  `json:"position"`
	Type        string  `json:"type"`
	FromID      *int64  `json:"from_id"`
	FromKind    *string `json:"from_kind"`
	FromName    *string `json:"from_name"`
	FromEmail   *string `json:"from_email"`
	ToID        *int64  `json:"to_id"`
	ToKind      *string `json:"to_kind"`
	ToName      *string `json:"to_name"`
	ToEmail     *string `json:"to_email"`
	ToRule      *string `json:"to_rule_id"`
	ToRuleName  *string `json:"to_rule_name"`
	ToGroup     *string `json:"to_group_id"`
	ToGroupName *string `json:"to_group_name"`
	Until       *Millis `json:"until"`
	Reason      *string `json:"reason"`
}

// Contact is a row of contacts.
type Contact struct {
	Project          uint32  `json:"project_id"`
	Conversation     string  `json:"conversation_id"`
	ID               string  `json:"contact_id"`
	Ordinal          uint32  `json:"ordinal"`
	Channel          string  `json:"channel"`
	StartedAt        Millis  `json:"started_at"`
	EndedAt          *Millis `json:"ended_at"`
	Duration         *int64  `json:"duration_ms"`
	Status           string  `json:"status"`
	Ending           *string `json:"ending"`
	EndingInferred   bool    `json:"ending_inferred"`
	CloseReason      *string `json:"close_reason"`
	Wait             *int64  `json:"wait_time_ms"`
	FirstResponse    *int64  `json:"first_response_time_ms"`
	VisitorMessages  uint32  `json:"visitor_message_count"`
	OperatorMessages uint32  `json:"operator_message_count"`
	Operator         int64   `json:"operator_id"`
	OperatorKind     string  `json:"operator_kind"`
	OperatorName     *string `json:"operator_name"`
	OperatorEmail    *string `json:"operator_email"`
	Rule             *string `json:"routing_rule_id"`
	RuleName         *string `json:"routing_rule_name"`
	Group            *string `json:"routing_group_id"`
	GroupName        *string `json:"routing_group_name"`
	Version          uint64  `json:"_version"`
}

// Transaction is a row of transactions. Amount is in ten-thousandths.
type Transaction struct {
	Project      uint32  `json:"project_id"`
	Conversation string  `json:"conversation_id"`
	ID           string  `json:"transaction_id"`
	Conversion   string  `json:"external_conversion_id"`
	Amount       Amount  `json:"amount"`
	Currency     string  `json:"currency"`
	ReceivedAt   Millis  `json:"received_at"`
	Source       *string `json:"source"`
	AttributedTo *int64  `json:"attributed_to_id"`
	Version      uint64  `json:"_version"`
}

// Message is a row of messages.
type Message struct {
	Project      uint32  `json:"project_id"`
	Conversation string  `json:"conversation_id"`
	ID           string  `json:"message_id"`
	Contact      *string `json:"contact_id"`
	SentAt       Millis  `json:"sent_at"`
	AuthorKind   string  `json:"author_kind"`
	AuthorID     *string `json:"author_id"`
	Automatic    bool    `json:"automatic"`
	Position     uint32  `json:"_position"`
	Version      uint64  `json:"_version"`
}

// Text is a row of message_texts.
type Text struct {
	Project      uint32 `json:"project_id"`
	Conversation string `json:"conversation_id"`
	Message      string `json:"message_id"`
	Text         string `json:"text"`
	Version      uint64 `json:"_version"`
}

// Visitor is a row of visitors.
type Visitor struct {
	Project      uint32  `json:"project_id"`
	Conversation string  `json:"conversation_id"`
	ID           string  `json:"visitor_id"`
	ExternalID   *string `json:"external_id"`
	FirstName    *string `json:"first_name"`
	LastName     *string `json:"last_name"`
	Email        *string `json:"email"`
	Phone        *string `json:"phone"`
	Version      uint64  `json:"_version"`
}

// Event is a row of events.
type Event struct {
	Project      uint32 `json:"project_id"`
	Conversation string `json:"conversation_id"`
	ID           string `json:"event_id"`
	Source       string `json:"source"`
	Type         string `json:"type"`
	Time         Millis `json:"time"`
	Sequence     uint64 `json:"sequence"`
	ReceivedAt   Millis `json:"received_at"`
	Original     string `json:"original"`
}

// Amount is money in ten-thousandths.
type Amount int64
