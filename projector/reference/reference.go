package reference

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/shopspring/decimal"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

// history is the ordered list of a conversation's events. Places in it are
// indexes; "before" and "after" compare them.
type history []schema.Record

func (h history) is(i int, types ...schema.Type) bool {
	return slices.Contains(types, h[i].Event.Type)
}

func (h history) at(i int) schema.Timestamp { return h[i].Event.Time }

// first is the first place in [from, to) that holds; -1 where none does.
func (h history) first(from, to int, holds func(int) bool) int {
	for i := from; i < to; i++ {
		if holds(i) {
			return i
		}
	}
	return -1
}

// last is the last place in [from, to) that holds; -1 where none does.
func (h history) last(from, to int, holds func(int) bool) int {
	for i := to - 1; i >= from; i-- {
		if holds(i) {
			return i
		}
	}
	return -1
}

func (h history) places(holds func(int) bool) []int {
	var found []int
	for i := range h {
		if holds(i) {
			found = append(found, i)
		}
	}
	return found
}

func (h history) push(i int) bool   { return h.is(i, schema.TypePushed) }
func (h history) closed(i int) bool { return h.is(i, schema.TypeClosed) }
func (h history) routed(i int) bool { return h.is(i, schema.TypeRouted) }

// ends reports whether the event ends a contact that is open.
func (h history) ends(i int) bool {
	return h.is(i, schema.TypePushed, schema.TypeSnoozed, schema.TypeTransferred, schema.TypeClosed)
}

// span is a contact as places: its push, and its end or -1.
type span struct{ start, end int }

func (s span) holds(i int) bool { return s.start < i && (s.end == -1 || i < s.end) }

func (h history) spans() []span {
	var spans []span
	for _, p := range h.places(h.push) {
		spans = append(spans, span{p, h.first(p+1, len(h), h.ends)})
	}
	return spans
}

// isClosed reports whether the conversation is closed just before place i: a
// close with no push since.
func (h history) isClosed(i int) bool {
	return h.last(0, i, h.closed) > h.last(0, i, h.push)
}

func (h history) message(i int) *schema.Message {
	m, _ := h[i].Event.Data.(*schema.Message)
	return m
}

// counts reports whether place i is a message that counts: the first with its id.
func (h history) counts(i int) bool {
	m := h.message(i)
	return m != nil && h.first(0, i, func(j int) bool {
		other := h.message(j)
		return other != nil && other.MessageID == m.MessageID
	}) == -1
}

func (h history) byVisitor(i int) bool {
	return h.counts(i) && h.message(i).AuthorKind == schema.KindVisitor
}

func (h history) byOperatorSide(i int) bool {
	return h.counts(i) && h.message(i).AuthorKind != schema.KindVisitor
}

func (h history) answer(i int) bool { return h.byOperatorSide(i) && !h.message(i).Automatic }

func (h history) humanAnswer(i int) bool {
	return h.answer(i) && h.message(i).AuthorKind != schema.KindBot
}

// since is the difference of two moments in milliseconds; nil when negative.
func since(from, to schema.Timestamp) *int64 {
	if to < from {
		return nil
	}
	d := int64(to - from)
	return &d
}

// Rows are the rows of the conversation whose events these are.
func Rows(records []schema.Record) fold.Rows {
	var h, profile history
	for _, r := range ordered(records) {
		if r.Event.Type == schema.TypeCustomer || r.Event.Type == schema.TypeSeller {
			profile = append(profile, r)
		} else {
			h = append(h, r)
		}
	}
	var rows fold.Rows
	rows.Customer, rows.Seller = profile.customer(), profile.seller()
	if len(h) == 0 {
		if len(profile) > 0 {
			rows.Conversation.ConversationKey = profile[0].Event.ConversationKey()
		}
		return rows
	}
	rows.Conversation = h.conversation()
	for n := range h.spans() {
		rows.Contacts = append(rows.Contacts, h.contact(n))
	}
	for i := range h {
		if h.counts(i) {
			rows.Messages = append(rows.Messages, h.messageRow(i))
		}
	}
	rows.Transactions = h.transactions()
	return rows
}

func (h history) contactID(n int) string {
	spans := h.spans()
	at := h.at(spans[n].start)
	same := 0
	for k := 0; k <= n; k++ {
		if h.at(spans[k].start) == at {
			same++
		}
	}
	id := fmt.Sprintf("%s:%d", h[0].Event.Conversation, at)
	if same > 1 {
		id += ":" + strconv.Itoa(same)
	}
	return id
}

func (h history) contact(n int) fold.Contact {
	spans := h.spans()
	s := spans[n]
	to := h[s.start].Event.Data.(*schema.Pushed).To
	c := fold.Contact{
		ID: h.contactID(n), Ordinal: uint32(n + 1), Channel: h.channel(),
		StartedAt: h.at(s.start), Status: fold.Unanswered, Operator: to,
	}

	within := func(kind func(int) bool) []int {
		return h.places(func(i int) bool { return s.holds(i) && kind(i) })
	}
	answers := within(h.answer)
	if len(answers) > 0 {
		c.Status = fold.Answered
		c.FirstResponseTime = since(c.StartedAt, h.at(answers[0]))
	}
	c.VisitorMessageCount = uint32(len(within(h.byVisitor)))
	c.OperatorMessageCount = uint32(len(within(h.byOperatorSide)))

	if r := h.last(0, s.start, h.routed); r >= 0 {
		routed := h[r].Event.Data.(*schema.Routed)
		c.RoutingRule, c.RoutingGroup = &routed.Rule, routed.Group
		after := -1
		if n > 0 {
			after = spans[n-1].end
			if h.push(after) {
				after = spans[n-1].start
			}
		}
		if r > after {
			c.WaitTime = since(h.at(r), c.StartedAt)
		}
	}

	if s.end == -1 {
		c.Status = fold.Ongoing
		return c
	}
	ended := h.at(s.end)
	c.EndedAt = &ended
	c.Duration = since(c.StartedAt, ended)
	var ending fold.Ending
	switch d := h[s.end].Event.Data.(type) {
	case *schema.Pushed:
		c.EndingInferred = true
		ending = fold.EndedRepushed
		if d.To.ID != to.ID {
			ending = fold.EndedTransferred
		}
	case *schema.Snoozed:
		ending = fold.EndedSnoozed
		if n+1 < len(spans) && h.first(s.end, spans[n+1].start, h.closed) == -1 {
			c.ReturnTime = since(ended, h.at(spans[n+1].start))
		}
	case *schema.Transferred:
		ending = fold.EndedTransferred
	case *schema.Closed:
		ending = fold.EndedClosed
		c.CloseReason = d.Reason
	}
	c.Ending = &ending
	return c
}

func (h history) messageRow(i int) fold.Message {
	m := h.message(i)
	row := fold.Message{
		ID: m.MessageID, SentAt: h.at(i), AuthorKind: m.AuthorKind,
		AuthorID: m.VisitorID, Automatic: m.Automatic,
	}
	if m.OperatorID != nil {
		id := strconv.FormatInt(int64(*m.OperatorID), 10)
		row.AuthorID = &id
	}
	for n, s := range h.spans() {
		if s.holds(i) {
			id := h.contactID(n)
			row.ContactID = &id
		}
	}
	if t := h.last(i, len(h), func(j int) bool {
		other := h.message(j)
		return other != nil && other.MessageID == m.MessageID && other.Text != nil
	}); t >= 0 {
		row.Text = h.message(t).Text
	}
	if d := h.first(0, len(h), func(j int) bool {
		deleted, is := h[j].Event.Data.(*schema.Deleted)
		return is && deleted.MessageID == m.MessageID
	}); d >= 0 {
		at := h.at(d)
		row.Text, row.DeletedAt = nil, &at
	}
	if r := h.first(0, len(h), func(j int) bool { return h.reads(j, i) }); r >= 0 {
		at := h.at(r)
		row.ReadAt = &at
	}
	return row
}

// reads reports whether place j is a read that covers the message at place i.
func (h history) reads(j, i int) bool {
	read, is := h[j].Event.Data.(*schema.Read)
	if !is {
		return false
	}
	other := h.byVisitor
	if read.Reader == schema.ReaderVisitor {
		other = h.byOperatorSide
	}
	if read.UpTo == nil {
		return i < j && other(i)
	}
	upTo := h.first(0, len(h), func(k int) bool {
		m := h.message(k)
		return m != nil && m.MessageID == *read.UpTo
	})
	return i <= upTo && other(i)
}

func (h history) transactions() []fold.Transaction {
	var ids []string
	latest := map[string]*schema.Transaction{}
	for i := range h {
		if t, ok := h[i].Event.Data.(*schema.Transaction); ok {
			if latest[t.TransactionID] == nil {
				ids = append(ids, t.TransactionID)
			}
			latest[t.TransactionID] = t
		}
	}
	var rows []fold.Transaction
	for _, id := range ids {
		t := latest[id]
		row := fold.Transaction{
			ID: id, ExternalConversionID: t.ExternalConversionID, Amount: t.Amount,
			Currency: t.Currency, ReceivedAt: t.ReceivedAt, Source: t.Source,
		}
		if t.AttributedTo != nil {
			row.AttributedTo = &t.AttributedTo.ID
		}
		rows = append(rows, row)
	}
	return rows
}

func (h history) revenue() map[schema.Currency]decimal.Decimal {
	sums := map[schema.Currency]decimal.Decimal{}
	for _, t := range h.transactions() {
		sums[t.Currency] = sums[t.Currency].Add(decimal.New(int64(t.Amount), -4))
	}
	return sums
}
