package outgoing

import (
	"encoding/json"
	"errors"
	"slices"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

// Thresholds are the figures from which on a webhook reports them. Zero is unset.
type Thresholds struct {
	LowSatisfaction uint8 `json:"lowSatisfaction,omitempty"` // the highest score that is low
	WaitMs          int64 `json:"waitMs,omitempty"`          // the highest that is not exceeded, likewise below
	FirstResponseMs int64 `json:"firstResponseMs,omitempty"`
	DurationMs      int64 `json:"durationMs,omitempty"`
}

// of returns the threshold of a kind, in milliseconds; 0 where it has none.
func (t *Thresholds) of(kind Kind) int64 {
	switch kind {
	case WaitExceeded:
		return t.WaitMs
	case FirstResponseExceeded:
		return t.FirstResponseMs
	case DurationExceeded:
		return t.DurationMs
	}
	return 0
}

// check validates thresholds for the kinds of a webhook.
func (t *Thresholds) check(kinds []Kind) error {
	if t.LowSatisfaction > 4 || (t.LowSatisfaction > 0) != slices.Contains(kinds, SatisfactionLow) {
		return errors.New("low-satisfaction: must be 1 to 4, together with the event satisfactionLow")
	}
	for kind, name := range map[Kind]string{WaitExceeded: "wait-above", FirstResponseExceeded: "first-response-above", DurationExceeded: "duration-above"} {
		if t.of(kind) < 0 || (t.of(kind) > 0) != slices.Contains(kinds, kind) {
			return errors.New(name + ": must be a positive number of milliseconds, together with the event " + string(kind))
		}
	}
	return nil
}

// figure is an occurrence of a figure. Contact is the index of its contact, -1 where it is one of the conversation.
type figure struct {
	occurrence
	contact int
	value   int64 // milliseconds
}

// spell is what the events say of one contact: the sequences of those that decide its figures.
type spell struct{ routed, pushed, answered schema.Sequence }

// history is what the events of a conversation say, in the order of the fold.
type history struct {
	spells []spell
	closes []schema.Sequence // of the events that close an open conversation
	low    []schema.Sequence // of the answers with a low score
}

// read walks the events like the fold.
func (h *history) read(records []schema.Record, t *Thresholds) {
	closed, open := false, false
	var routed schema.Sequence
	seen := make(map[string]bool)
	for _, r := range schema.InOrder(records) {
		switch data := r.Event.Data.(type) {
		case *schema.Routed:
			routed = r.Sequence
		case *schema.Pushed:
			h.spells = append(h.spells, spell{routed: routed, pushed: r.Sequence})
			closed, open = false, true
		case *schema.Snoozed, *schema.Transferred:
			open = false
		case *schema.Closed:
			if !closed {
				h.closes = append(h.closes, r.Sequence)
			}
			closed, open = true, false
		case *schema.Message:
			answers := open && !seen[data.MessageID] && !data.Automatic && data.AuthorKind != schema.KindVisitor
			seen[data.MessageID] = true
			if last := len(h.spells) - 1; answers && h.spells[last].answered == 0 {
				h.spells[last].answered = r.Sequence
			}
		case *schema.Satisfaction:
			if score := data.CustomerSatisfaction; score != nil && *score <= t.LowSatisfaction {
				h.low = append(h.low, r.Sequence)
			}
		}
	}
}

// figures are the closes, low scores and exceeded thresholds of a conversation, each at the event with which it was known.
func figures(t *Thresholds, records []schema.Record, rows *fold.Rows) []figure {
	var h history
	h.read(records, t)
	var all []figure
	add := func(kind Kind, at schema.Sequence, contact int, value *int64) {
		if above := t.of(kind); above > 0 && value != nil && *value > above {
			all = append(all, figure{occurrence{kind, at}, contact, *value})
		}
	}
	for _, at := range h.closes {
		all = append(all, figure{occurrence: occurrence{ConversationClosed, at}, contact: -1})
	}
	for _, at := range h.low {
		all = append(all, figure{occurrence: occurrence{SatisfactionLow, at}, contact: -1})
	}
	for i := range min(len(rows.Contacts), len(h.spells)) {
		contact, spell := &rows.Contacts[i], h.spells[i]
		add(WaitExceeded, max(spell.pushed, spell.routed), i, contact.WaitTime)
		add(FirstResponseExceeded, max(spell.pushed, spell.answered), i, contact.FirstResponseTime)
	}
	if n := len(h.closes); n > 0 {
		add(DurationExceeded, h.closes[n-1], -1, rows.Conversation.Duration)
	}
	return all
}

// figuresBetween are those at events after one sequence up to another, as far as they were known then.
func figuresBetween(t *Thresholds, records []schema.Record, after, to schema.Sequence) []occurrence {
	known := make([]schema.Record, 0, len(records))
	for i := range records {
		if records[i].Sequence <= to {
			known = append(known, records[i])
		}
	}
	rows := fold.Of(known)
	var all []occurrence
	for _, f := range figures(t, known, &rows) {
		if f.sequence > after && f.sequence <= to {
			all = append(all, f.occurrence)
		}
	}
	return all
}

type (
	// report is the payload about a figure. It holds no personal data.
	report struct {
		Type      Kind       `json:"type"`
		Timestamp string     `json:"timestamp"` // of the event
		Data      reportData `json:"data"`
	}
	reportData struct {
		ProjectID      schema.ProjectID      `json:"projectId"`
		ConversationID schema.ConversationID `json:"conversationId"`
		ValueMs        *int64                `json:"valueMs,omitempty"`
		ThresholdMs    *int64                `json:"thresholdMs,omitempty"`
		Contact        *reportContact        `json:"contact,omitempty"`

		Channel              schema.Channel `json:"channel"`
		CreatedAt            string         `json:"createdAt"`
		ClosedAt             *string        `json:"closedAt"`
		DurationMs           *int64         `json:"durationMs"`
		CloseReason          *string        `json:"closeReason"`
		ContactCount         uint32         `json:"contactCount"`
		SnoozeCount          uint32         `json:"snoozeCount"`
		TransferCount        uint32         `json:"transferCount"`
		ReopenCount          uint32         `json:"reopenCount"`
		Answered             bool           `json:"answered"`
		AnsweredByHuman      bool           `json:"answeredByHuman"`
		Abandoned            bool           `json:"abandoned"`
		FirstResponseTimeMs  *int64         `json:"firstResponseTimeMs"`
		ResolutionTimeMs     *int64         `json:"resolutionTimeMs"`
		VisitorMessageCount  uint32         `json:"visitorMessageCount"`
		OperatorMessageCount uint32         `json:"operatorMessageCount"`
		CustomerSatisfaction *uint8         `json:"customerSatisfaction"`
		NetPromoterScore     *uint8         `json:"netPromoterScore"`
	}
	reportContact struct {
		ID                  string            `json:"id"`
		Ordinal             uint32            `json:"ordinal"`
		StartedAt           string            `json:"startedAt"`
		OperatorID          schema.OperatorID `json:"operatorId"`
		WaitTimeMs          *int64            `json:"waitTimeMs"`
		FirstResponseTimeMs *int64            `json:"firstResponseTimeMs"`
	}
)

// renderFigure makes the payload about a figure; nil if later events have changed it so that there is nothing to tell.
func renderFigure(hook *Hook, d *Delivery, records []schema.Record, rows *fold.Rows) ([]byte, error) {
	all := figures(&hook.Thresholds, records, rows)
	at := slices.IndexFunc(all, func(f figure) bool { return f.kind == d.Event && f.sequence == d.Sequence })
	cause := slices.IndexFunc(records, func(r schema.Record) bool { return r.Sequence == d.Sequence })
	if erased(records, rows) || at < 0 || cause < 0 {
		return nil, nil
	}
	c := &rows.Conversation
	out := report{Type: d.Event, Timestamp: records[cause].Event.Time.String(), Data: reportData{
		ProjectID: hook.Project, ConversationID: d.Conversation,
		Channel: c.Channel, CreatedAt: c.CreatedAt.String(), DurationMs: c.Duration, CloseReason: c.CloseReason,
		ContactCount: c.ContactCount, SnoozeCount: c.SnoozeCount, TransferCount: c.TransferCount, ReopenCount: c.ReopenCount,
		Answered: c.Answered, AnsweredByHuman: c.AnsweredByHuman, Abandoned: c.Abandoned,
		FirstResponseTimeMs: c.FirstResponseTime, ResolutionTimeMs: c.ResolutionTime,
		VisitorMessageCount: c.VisitorMessageCount, OperatorMessageCount: c.OperatorMessageCount,
		CustomerSatisfaction: c.CustomerSatisfaction, NetPromoterScore: c.NetPromoterScore,
	}}
	if c.ClosedAt != nil {
		closed := c.ClosedAt.String()
		out.Data.ClosedAt = &closed
	}
	found := all[at]
	if above := hook.Thresholds.of(d.Event); above > 0 {
		out.Data.ValueMs, out.Data.ThresholdMs = &found.value, &above
	}
	if found.contact >= 0 {
		contact := &rows.Contacts[found.contact]
		out.Data.Contact = &reportContact{
			ID: contact.ID, Ordinal: contact.Ordinal, StartedAt: contact.StartedAt.String(), OperatorID: contact.Operator.ID,
			WaitTimeMs: contact.WaitTime, FirstResponseTimeMs: contact.FirstResponseTime,
		}
	}
	return json.Marshal(out)
}
