package reference

import (
	"cmp"
	"maps"
	"slices"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

// opening is the value that the openings give one field: the first that has it.
func opening[T any](h history, field func(*schema.Opened) *T) *T {
	for i := range h {
		if o, ok := h[i].Event.Data.(*schema.Opened); ok && field(o) != nil {
			return field(o)
		}
	}
	return nil
}

func (h history) channel() schema.Channel {
	if c := opening(h, func(o *schema.Opened) *schema.Channel { return &o.Channel }); c != nil {
		return *c
	}
	return schema.ChannelUnknown
}

func (h history) conversation() fold.Conversation {
	c := fold.Conversation{
		ConversationKey: h[0].Event.ConversationKey(),
		Channel:         h.channel(),
		Language:        opening(h, func(o *schema.Opened) *string { return o.Language }),
		Initiator:       opening(h, func(o *schema.Opened) *schema.Initiator { return o.Initiator }),
		Visitor:         opening(h, func(o *schema.Opened) *schema.Visitor { return o.Visitor }),
		Campaign:        opening(h, func(o *schema.Opened) *schema.Ref { return o.Campaign }),
		CustomData:      h.customData(),
		Revenue:         h.revenue(),
		EventCount:      uint32(len(h)),
		FirstSequence:   h[0].First(),
		BeganAt:         h.began(),
		UpdatedAt:       h.at(len(h) - 1),
	}
	for i := range h {
		c.FirstSequence = min(c.FirstSequence, h[i].First())
		c.LastSequence = max(c.LastSequence, h[i].Sequence)
	}
	c.Tags, c.TagCount = listed(h.tags())
	c.Users, c.UserCount = listed(h.users())
	h.times(&c)
	h.contacts(&c)
	h.anomalies(&c)
	h.satisfaction(&c)
	h.thread(&c)
	c.Unattended = h.unattended()
	return c
}

// unattended looks at the end of each instant whether the conversation is open and the visitor has asked.
func (h history) unattended() []schema.Timestamp {
	var turns []schema.Timestamp
	for i := range h {
		if i+1 < len(h) && h.at(i+1) == h.at(i) {
			continue
		}
		asked := h.last(0, i+1, h.byVisitor) > h.last(0, i+1, h.answer)
		if now := asked && !h.isClosed(i+1); now != (len(turns)%2 == 1) {
			turns = append(turns, h.at(i))
		}
	}
	return turns
}

// began is the time of the first event in the log.
func (h history) began() schema.Timestamp {
	return slices.MinFunc(h, func(a, b schema.Record) int { return cmp.Compare(a.Sequence, b.Sequence) }).Event.Time
}

// customData is taken from the first opening that has any, sorted by key; of a
// key given twice the last value.
func (h history) customData() []schema.CustomValue {
	data := opening(h, func(o *schema.Opened) *[]schema.CustomValue {
		if o.CustomData == nil {
			return nil
		}
		return &o.CustomData
	})
	if data == nil {
		return nil
	}
	values := map[string]string{}
	for _, v := range *data {
		values[v.Key] = v.Value
	}
	var sorted []schema.CustomValue
	for _, key := range slices.Sorted(maps.Keys(values)) {
		sorted = append(sorted, schema.CustomValue{Key: key, Value: values[key]})
	}
	return sorted
}

// times fills in what is measured on the conversation as a whole.
func (h history) times(c *fold.Conversation) {
	created := h.first(0, len(h), func(i int) bool { return lifeCycle(h[i].Event.Type) })
	c.CreatedAt = h.at(max(created, 0))

	closing := h.first(h.last(0, len(h), h.push)+1, len(h), h.closed)
	firstClose := h.first(0, len(h), h.closed)
	visitor := h.first(0, len(h), h.byVisitor)
	if closing >= 0 {
		at := h.at(closing)
		c.ClosedAt = &at
		c.Duration = since(c.CreatedAt, at)
		c.CloseReason = h[closing].Event.Data.(*schema.Closed).Reason
		c.Abandoned = len(h.spans()) == 0
		if visitor >= 0 {
			c.ResolutionTime = since(h.at(visitor), at)
		}
	}
	if firstClose >= 0 {
		c.FirstClosedAt = new(h.at(firstClose))
	}
	if visitor >= 0 && firstClose >= 0 {
		c.FirstResolutionTime = since(h.at(visitor), h.at(firstClose))
	}
	if visitor >= 0 {
		if reply := h.first(visitor+1, len(h), h.humanAnswer); reply >= 0 {
			c.FirstResponseTime = since(h.at(visitor), h.at(reply))
		}
	}
	c.VisitorMessageCount = uint32(len(h.places(h.byVisitor)))
	c.OperatorMessageCount = uint32(len(h.places(h.byOperatorSide)))
}

// contacts fills in what is counted over the contacts.
func (h history) contacts(c *fold.Conversation) {
	spans := h.spans()
	c.ContactCount = uint32(len(spans))
	bots := 0
	for n, s := range spans {
		contact := h.contact(n)
		bot := contact.Operator.Kind == schema.KindBot
		if bot {
			bots++
		}
		holds := func(kind func(int) bool) bool {
			return h.first(0, len(h), func(i int) bool { return s.holds(i) && kind(i) }) >= 0
		}
		c.Answered = c.Answered || holds(h.answer)
		c.AnsweredByHuman = c.AnsweredByHuman || holds(h.humanAnswer)
		if contact.Ending == nil {
			continue
		}
		if contact.Duration != nil {
			c.HandleTime += *contact.Duration
			if !bot {
				c.HumanHandleTime += *contact.Duration
			}
		}
		switch *contact.Ending {
		case fold.EndedTransferred:
			c.TransferCount++
		case fold.EndedSnoozed:
			c.SnoozeCount++
			if n+1 < len(spans) && h.first(s.end, spans[n+1].start, h.closed) == -1 {
				c.SnoozeTime += int64(h.at(spans[n+1].start) - h.at(s.end))
			}
		}
	}
	if len(spans) > 0 {
		level := fold.PartiallyAutomated
		switch bots {
		case 0:
			level = fold.NotAutomated
		case len(spans):
			level = fold.FullyAutomated
		}
		c.AutomationLevel = &level
	}
}

func (h history) anomalies(c *fold.Conversation) {
	spans := h.spans()
	for i := range h {
		ender := slices.ContainsFunc(spans, func(s span) bool { return s.end == i })
		switch {
		case h.is(i, schema.TypeSnoozed, schema.TypeTransferred) && !ender,
			h.closed(i) && h.isClosed(i):
			c.AnomalyCount++
		case h.push(i) && h.isClosed(i):
			c.ReopenCount++
		}
	}
}

func (h history) satisfaction(c *fold.Conversation) {
	for i := range h {
		if s, ok := h[i].Event.Data.(*schema.Satisfaction); ok {
			c.SatisfactionAnsweredAt = new(h.at(i))
			if s.CustomerSatisfaction != nil {
				c.CustomerSatisfaction = s.CustomerSatisfaction
			}
			if s.NetPromoterScore != nil {
				c.NetPromoterScore = s.NetPromoterScore
			}
			if s.Comment != nil {
				c.Comment = s.Comment
			}
		}
	}
}

// listed is the beginning of a list that a row has room for, and how long the
// whole is.
func listed[T any](all []T) ([]T, uint32) {
	if len(all) > schema.MaxListed {
		return all[:schema.MaxListed], uint32(len(all))
	}
	return all, uint32(len(all))
}

// tags returns the tags whose last tagging comes after their last untagging.
func (h history) tags() []schema.Ref {
	var ids []string
	names := map[string]*string{}
	on := map[string]bool{}
	for i := range h {
		switch d := h[i].Event.Data.(type) {
		case *schema.Tagged:
			if _, seen := names[d.Tag.ID]; !seen {
				ids = append(ids, d.Tag.ID)
				names[d.Tag.ID] = nil
			}
			if d.Tag.Name != nil {
				names[d.Tag.ID] = d.Tag.Name
			}
			on[d.Tag.ID] = true
		case *schema.Untagged:
			on[d.Tag.ID] = false
		}
	}
	var tags []schema.Ref
	for _, id := range ids {
		if on[id] {
			tags = append(tags, schema.Ref{ID: id, Name: names[id]})
		}
	}
	return tags
}

// users are the ids alone, ascending.
func (h history) users() []schema.User {
	ids := map[schema.OperatorID]bool{}
	for i := range h {
		if p, ok := h[i].Event.Data.(*schema.Pushed); ok {
			ids[p.To.ID] = true
		}
		if h.byOperatorSide(i) && h.message(i).OperatorID != nil {
			ids[*h.message(i).OperatorID] = true
		}
	}
	var users []schema.User
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		users = append(users, schema.User{ID: id})
	}
	return users
}

// thread fills in the routings and the system attachments.
func (h history) thread(c *fold.Conversation) {
	for i := range h {
		mark := fold.Mark{EventID: h[i].Event.ID, At: h.at(i), Type: h[i].Event.Type}
		switch d := h[i].Event.Data.(type) {
		case *schema.Routed:
			c.Routing = append(c.Routing, fold.Routing{At: h.at(i), Rule: d.Rule, Group: d.Group})
			continue
		case *schema.Pushed:
			mark.To = &d.To
		case *schema.Snoozed:
			mark.From, mark.Until = d.By, d.Until
		case *schema.Transferred:
			mark.From, mark.To, mark.ToRule, mark.ToGroup = d.From, d.To, d.ToRule, d.ToGroup
		case *schema.Closed:
			mark.From, mark.Reason = d.By, d.Reason
		default:
			continue
		}
		c.Marks = append(c.Marks, mark)
	}
}
