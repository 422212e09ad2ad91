package query

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/shopspring/decimal"
)

// Conversation is the SDL's type. All fields are plain, except the thread, which is read in pages.
type Conversation struct {
	batch *conversationBatch
	row   *ConversationRow

	NodeID   NodeID
	ID       UUID
	LegacyID *LegacyID // none is known
	Project  Project

	CreatedAt  DateTime
	ClosedAt   *DateTime
	Duration   *string
	DurationMs *Long

	Channel    string
	Language   *Text
	Initiator  *string
	Visitor    *Visitor
	Customer   *Customer
	Campaign   *Named
	CustomData []CustomDatum

	ContactCount, SnoozeCount, TransferCount, ReopenCount, AnomalyCount int32

	Answered, AnsweredByHuman, Abandoned bool
	AutomationLevel                      *string

	FirstResponseTimeMs, ResolutionTimeMs, FirstResolutionTimeMs *Long
	HandleTimeMs, HumanHandleTimeMs, SnoozeTimeMs                Long
	VisitorMessageCount, OperatorMessageCount                    int32

	SatisfactionSurvey *SatisfactionSurvey
	Conversions        Conversions
	Revenue            []Money
	Tags               []Named
	Users              []User
	RoutingEvents      []RoutingEvent
	Contacts           []*Contact
	CloseReason        *Text

	EventCount                  int32
	FirstSequence, LastSequence Long
}

// Project is a site or brand. Events carry no name of it: its digits stand for one.
type Project struct {
	NodeID NodeID
	ID     int32
	Name   string
}

func (t texts) project(id uint32) Project {
	return Project{t.nodeID("Project", id), int32(id), strconv.FormatUint(uint64(id), 10)}
}

// Named is an entity with an id and an optional name.
type Named struct {
	NodeID NodeID
	ID     Text
	Name   *Text
}

// CustomDatum is a member of custom data.
type CustomDatum struct{ Key, Value Text }

// User is an operator.
type User struct {
	NodeID       NodeID
	ID, LegacyID LegacyID
	Kind         *string
	Name, Email  *Text
	// FirstName is the first word of the name, LastName what follows.
	FirstName, LastName *Text
}

// SatisfactionSurvey is the visitor's answer.
type SatisfactionSurvey struct {
	CustomerSatisfaction, NetPromoterScore *int32
	Comment                                *Text
}

// Money is an amount in one currency.
type Money struct {
	Currency string
	Amount   Decimal
}

// RoutingEvent is a distribution decision.
type RoutingEvent struct {
	CreatedAt    DateTime
	RoutingRule  Named
	RoutingGroup *Named
}

// newConversation turns a row into the SDL's type. Columns that were not read are zero and not selected.
func newConversation(batch *conversationBatch, r *ConversationRow) *Conversation {
	request, t := batch.request, batch.request.texts
	c := &Conversation{
		batch: batch, row: r,
		NodeID: t.nodeID("Conversation", r.Project, r.ID), ID: UUID(r.ID), Project: t.project(r.Project),
		CreatedAt: DateTime(r.CreatedAt), ClosedAt: moment(r.ClosedAt),
		Duration: isoDuration(r.Duration), DurationMs: long(r.Duration),
		Channel: r.Channel, Language: t.maybe(r.Language), Initiator: r.Initiator,
		Campaign:     request.entity(typeCampaign, r.Project, r.CampaignID),
		ContactCount: int32(r.ContactCount), SnoozeCount: int32(r.SnoozeCount), TransferCount: int32(r.TransferCount),
		ReopenCount: int32(r.ReopenCount), AnomalyCount: int32(r.AnomalyCount),
		Answered: r.Answered, AnsweredByHuman: r.AnsweredByHuman, Abandoned: r.Abandoned,
		AutomationLevel:     r.AutomationLevel,
		FirstResponseTimeMs: long(r.FirstResponse), ResolutionTimeMs: long(r.Resolution), FirstResolutionTimeMs: long(r.FirstResolution),
		HandleTimeMs: Long(r.Handle), HumanHandleTimeMs: Long(r.HumanHandle), SnoozeTimeMs: Long(r.Snooze),
		VisitorMessageCount: int32(r.VisitorMessages), OperatorMessageCount: int32(r.OperatorMessages),
		SatisfactionSurvey: t.survey(r),
		Revenue:            monies(r.Revenue),
		CustomData:         t.customData(r.CustomData),
		CloseReason:        t.maybe(r.CloseReason),
		EventCount:         int32(r.EventCount), FirstSequence: Long(r.FirstSequence), LastSequence: Long(r.LastSequence),
	}
	c.Conversions.Transactions, c.Contacts = []Transaction{}, []*Contact{}
	if r.VisitorID != nil {
		id := t.of(*r.VisitorID)
		c.Visitor = &Visitor{NodeID: t.nodeID("Visitor", r.Project, r.ID), ID: id, VisitorID: id}
	}
	c.Users = make([]User, len(r.UserIDs))
	for i, id := range r.UserIDs {
		c.Users[i] = request.user(r.Project, id)
	}
	c.Tags = make([]Named, len(r.TagIDs))
	for i := range r.TagIDs {
		c.Tags[i] = *request.entity(typeTag, r.Project, &r.TagIDs[i])
	}
	c.RoutingEvents = make([]RoutingEvent, len(r.RoutingAt))
	for i, at := range r.RoutingAt {
		c.RoutingEvents[i] = RoutingEvent{
			CreatedAt:    DateTime(at),
			RoutingRule:  *request.entity(typeRoutingRule, r.Project, &r.RoutingRuleIDs[i]),
			RoutingGroup: request.entity(typeRoutingGroup, r.Project, r.RoutingGroupIDs[i]),
		}
	}
	return c
}

func (t texts) survey(r *ConversationRow) *SatisfactionSurvey {
	if r.Satisfaction == nil && r.Score == nil && r.Comment == nil {
		return nil
	}
	return &SatisfactionSurvey{small(r.Satisfaction), small(r.Score), t.maybe(r.Comment)}
}

// monies lists amounts, ascending by currency.
func monies(amounts map[string]decimal.Decimal) []Money {
	list := make([]Money, 0, len(amounts))
	for currency, amount := range amounts {
		list = append(list, Money{currency, Decimal{amount}})
	}
	slices.SortFunc(list, func(a, b Money) int { return cmp.Compare(a.Currency, b.Currency) })
	return list
}

// isoDuration writes PT312S: whole seconds, rounded down, without minutes.
func isoDuration(ms *int64) *string {
	if ms == nil {
		return nil
	}
	text := "PT" + strconv.FormatInt(*ms/1000, 10) + "S"
	return &text
}

func moment(ms *int64) *DateTime { return (*DateTime)(ms) }
func long(n *int64) *Long        { return (*Long)(n) }

func small(n *uint8) *int32 {
	if n == nil {
		return nil
	}
	wide := int32(*n)
	return &wide
}

func nonEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// Visitor is the person on the other side.
type Visitor struct {
	NodeID                                        NodeID
	ID, VisitorID                                 Text
	ExternalID, FirstName, LastName, Email, Phone *Text
}

// Conversions are the sales of a conversation.
type Conversions struct{ Transactions []Transaction }
