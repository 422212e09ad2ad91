package iadvize

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/parley-analytics/parley/ingest/source"
	"github.com/parley-analytics/parley/schema"
)

// Conversation is a closed conversation as the API returns it.
type Conversation struct {
	ID            schema.ConversationID
	Project       struct{ ID schema.ProjectID }
	CreatedAt     source.Moment
	ClosedAt      source.Moment
	Channel       string
	Language      string
	Initiator     string
	Visitor       *visitor
	Campaign      *ref
	CustomData    []struct{ Key, Value string }
	Tags          []ref
	RoutingEvents []struct {
		CreatedAt    source.Moment
		RoutingRule  ref
		RoutingGroup *ref
	}
	SatisfactionSurvey *struct {
		CustomerSatisfaction, NetPromoterScore *int64
		Comment                                *string
	}
	Conversions struct {
		Transactions []struct {
			TransactionID, ExternalConversionID string
			Amount                              json.Number
			Currency                            string
			ReceivedAt                          source.Moment
			Source                              string
			AttributedTo                        *struct{ ID int64 }
		}
	}
	Messages thread
}

type pageInfo struct {
	HasNextPage bool
	EndCursor   string
}

type thread struct {
	PageInfo pageInfo
	Edges    []struct{ Node threadMessage }
}

type threadMessage struct {
	Typename  string `json:"__typename"`
	ID        string
	CreatedAt source.Moment
	// of a ChatMessage
	Author    struct{ Kind, ID string }
	Automatic bool
	Text      *string
	// of a SystemMessage
	ToUser, FromUser *user
	Attachment       struct {
		Typename                      string `json:"__typename"`
		Until                         *source.Moment
		ToRoutingRule, ToRoutingGroup *ref
		Reason                        string
	}
}

// Events returns the events of the conversation, in order. read is the time of the request, because
// the API does not say when a survey was answered.
func (c *Conversation) Events(read time.Time) [][]byte {
	f := facts{project: c.Project.ID, conversation: c.ID}
	events := c.life(f)
	for n, tag := range c.Tags {
		tagged := f.event(schema.TypeTagged, c.ClosedAt.Timestamp, map[string]ref{"tag": tag}, "tagged", source.Digest(tag))
		tagged.Sequence = n + 1
		events = append(events, tagged)
	}
	if s := c.SatisfactionSurvey; s != nil {
		for _, given := range []answer{
			{CustomerSatisfaction: s.CustomerSatisfaction}, {NetPromoterScore: s.NetPromoterScore}, {Comment: s.Comment},
		} {
			if given != (answer{}) {
				events = append(events, f.asRead(schema.TimestampOf(read), given))
			}
		}
	}
	for _, t := range c.Conversions.Transactions {
		made := sale{
			TransactionID: t.TransactionID, ExternalConversionID: t.ExternalConversionID,
			Amount: t.Amount.String(), Currency: t.Currency, Source: t.Source,
		}
		if made.TransactionID == "" {
			made.TransactionID = t.ExternalConversionID // as events without one
		}
		if t.AttributedTo != nil {
			made.AttributedTo = &user{ID: t.AttributedTo.ID}
		}
		events = append(events, f.sold(t.ReceivedAt.Timestamp, made))
	}
	out := make([][]byte, len(events))
	for i, event := range events {
		out[i] = event.Encode()
	}
	return out
}

// life returns the life-cycle events, in the order of the thread. If one instant has several and
// the fold would order them differently, they carry a sequence.
func (c *Conversation) life(f facts) []*source.Event {
	var life []*source.Event
	if channel, known := channelOf(c.Channel); known {
		o := &opening{Channel: channel, Language: c.Language, Initiator: c.Initiator, Visitor: c.Visitor, Campaign: c.Campaign}
		for _, member := range c.CustomData {
			if o.CustomData == nil {
				o.CustomData = make(map[string]string)
			}
			o.CustomData[member.Key] = member.Value
		}
		life = append(life, f.opened(c.CreatedAt.Timestamp, o))
	}
	for i := range c.Messages.Edges {
		if event := f.message(&c.Messages.Edges[i].Node); event != nil {
			life = append(life, event)
		}
	}
	if c.unmarked() {
		closed := f.closed(c.ClosedAt.Timestamp, ending{})
		at := slices.IndexFunc(life, func(e *source.Event) bool { return e.Time > closed.Time })
		if at < 0 {
			at = len(life)
		}
		life = slices.Insert(life, at, closed)
	}
	for _, r := range c.RoutingEvents {
		routed := f.routed(r.CreatedAt.Timestamp, r.RoutingRule, r.RoutingGroup)
		at := slices.IndexFunc(life, func(e *source.Event) bool {
			return e.Time > routed.Time || e.Time == routed.Time && e.Type.Rank() > routed.Type.Rank()
		})
		if at < 0 {
			at = len(life)
		}
		life = slices.Insert(life, at, routed)
	}
	// Marks of one kind in one instant are distinguished by their number.
	seen := make(map[string]int)
	for _, event := range life {
		if seen[event.ID]++; seen[event.ID] > 1 {
			event.ID += ":" + strconv.Itoa(seen[event.ID])
		}
	}
	for from := 0; from < len(life); {
		to := from + 1
		for to < len(life) && life[to].Time == life[from].Time {
			to++
		}
		instant := life[from:to]
		if !slices.IsSortedFunc(instant, func(a, b *source.Event) int {
			return cmp.Or(cmp.Compare(a.Type.Rank(), b.Type.Rank()), cmp.Compare(a.ID, b.ID))
		}) {
			for n, event := range instant {
				event.Sequence = n + 1
			}
		}
		from = to
	}
	return life
}

// unmarked reports whether the API returns a closing time, but no mark of a close after the last push.
func (c *Conversation) unmarked() bool {
	closed := false
	for i := range c.Messages.Edges {
		switch c.Messages.Edges[i].Node.Attachment.Typename {
		case "ConversationPushedSystemAttachment":
			closed = false
		case "ConversationClosedSystemAttachment":
			closed = true
		}
	}
	return !closed && c.ClosedAt.Timestamp > 0
}

// message makes the event of a message or mark; nil for a mark of another kind.
func (f facts) message(m *threadMessage) *source.Event {
	at := m.CreatedAt.Timestamp
	if m.Typename == "ChatMessage" {
		if m.Author.Kind == "" {
			return nil // the API does not say whose message it is
		}
		author := map[string]any{"kind": m.Author.Kind}
		if m.Author.ID != "" && m.Author.Kind == string(schema.KindVisitor) {
			author["id"] = m.Author.ID
		} else if id, err := strconv.ParseInt(m.Author.ID, 10, 64); err == nil {
			author["id"] = id
		}
		data := map[string]any{"messageId": m.ID, "author": author}
		if m.Automatic {
			data["automatic"] = true
		}
		if m.Text != nil {
			data["text"] = *m.Text
		}
		return f.event(schema.TypeMessage, at, data, "message", m.ID)
	}
	switch m.Attachment.Typename {
	case "ConversationPushedSystemAttachment":
		if m.ToUser == nil {
			return nil
		}
		to := *m.ToUser
		if to.Kind == "" {
			to.Kind = schema.KindProfessional
		}
		return f.pushed(at, to)
	case "ConversationSnoozedSystemAttachment":
		e := ending{ByUser: m.FromUser}
		if m.Attachment.Until != nil {
			e.Until = m.Attachment.Until.String()
		}
		return f.snoozed(at, e)
	case "ConversationTransferredSystemAttachment":
		return f.transferred(at, ending{
			FromUser: m.FromUser, ToUser: m.ToUser, ToRule: m.Attachment.ToRoutingRule, ToGroup: m.Attachment.ToRoutingGroup,
		})
	case "ConversationClosedSystemAttachment":
		return f.closed(at, ending{ByUser: m.FromUser, Reason: m.Attachment.Reason})
	}
	return nil
}
