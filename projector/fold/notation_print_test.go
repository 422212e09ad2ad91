package fold_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

// printer writes rows in the notation.
type printer struct{ strings.Builder }

func printRows(rows fold.Rows) string {
	var p printer
	if !rows.Empty() {
		p.conversation(&rows.Conversation)
	}
	for i := range rows.Contacts {
		p.contact(&rows.Contacts[i])
	}
	p.thread(&rows)
	for i := range rows.Transactions {
		p.transaction(&rows.Transactions[i])
	}
	if c := rows.Customer; c != nil {
		p.line("customer " + c.ID)
		field(&p, "first", c.FirstName)
		field(&p, "email", c.Email)
		field(&p, "notes", c.Notes)
		p.lineage(&c.Lineage)
	}
	if s := rows.Seller; s != nil {
		p.line("seller " + s.ID)
		field(&p, "business", s.BusinessName)
		field(&p, "email", s.EmailAddress)
		p.lineage(&s.Lineage)
	}
	return p.String()
}

func (p *printer) lineage(l *fold.Lineage) {
	field(p, "created", &l.CreatedAt)
	field(p, "updated", &l.UpdatedAt)
	fmt.Fprintf(p, " events=%d sequences=%d..%d", l.EventCount, l.FirstSequence, l.LastSequence)
}

// field writes a value that is there.
func field[T any](p *printer, name string, value *T) {
	if value == nil {
		return
	}
	switch v := any(*value).(type) {
	case schema.Timestamp:
		fmt.Fprintf(p, " %s=%s", name, offset(v))
	case int64:
		fmt.Fprintf(p, " %s=%s", name, time.Duration(v)*time.Millisecond)
	case string:
		fmt.Fprintf(p, " %s=%s", name, quoted(v))
	case schema.Ref:
		fmt.Fprintf(p, " %s=%s", name, refText(v))
	case schema.User:
		fmt.Fprintf(p, " %s=%s", name, userText(v))
	default:
		fmt.Fprintf(p, " %s=%v", name, v)
	}
}

// figure writes a number that is not 0.
func figure[T uint32 | int64](p *printer, name string, value T) {
	if value == 0 {
		return
	}
	field(p, name, &value)
}

func (p *printer) line(name string) {
	if p.Len() > 0 {
		p.WriteByte('\n')
	}
	p.WriteString(name)
}

func offset(at schema.Timestamp) string {
	return (time.Duration(at-epoch) * time.Millisecond).String()
}

func quoted(s string) string {
	if s == "" || strings.ContainsAny(s, " \"") {
		return strconv.Quote(s)
	}
	return s
}

func refText(r schema.Ref) string {
	if r.Name == nil {
		return quoted(r.ID)
	}
	return quoted(r.ID + "/" + *r.Name)
}

func userText(u schema.User) string {
	kind := ""
	for short, k := range kinds {
		if k == u.Kind {
			kind = short
		}
	}
	out := fmt.Sprintf("%s/%d", kind, u.ID)
	if u.Name != nil {
		out += "/" + *u.Name
	}
	return quoted(out)
}

func (p *printer) conversation(c *fold.Conversation) {
	p.line("conversation")
	field(p, "created", &c.CreatedAt)
	field(p, "closed", c.ClosedAt)
	if c.FirstClosedAt != nil && (c.ClosedAt == nil || *c.ClosedAt != *c.FirstClosedAt) {
		field(p, "first-closed", c.FirstClosedAt)
	}
	field(p, "duration", c.Duration)
	field(p, "reason", c.CloseReason)
	field(p, "channel", &c.Channel)
	field(p, "language", c.Language)
	field(p, "initiator", c.Initiator)
	if c.Visitor != nil {
		field(p, "visitor", &schema.Ref{ID: c.Visitor.ID, Name: c.Visitor.FirstName})
	}
	field(p, "campaign", c.Campaign)
	for _, v := range c.CustomData {
		field(p, "custom."+v.Key, &v.Value)
	}
	p.line(" ")
	figure(p, "contacts", c.ContactCount)
	figure(p, "snoozes", c.SnoozeCount)
	figure(p, "transfers", c.TransferCount)
	figure(p, "reopened", c.ReopenCount)
	figure(p, "anomalies", c.AnomalyCount)
	if c.Answered {
		p.WriteString(" answered")
	}
	if c.AnsweredByHuman {
		p.WriteString(" answered-by-human")
	}
	if c.Abandoned {
		p.WriteString(" abandoned")
	}
	field(p, "automation", c.AutomationLevel)
	field(p, "first-response", c.FirstResponseTime)
	field(p, "resolution", c.ResolutionTime)
	field(p, "first-resolution", c.FirstResolutionTime)
	figure(p, "handle", c.HandleTime)
	figure(p, "human-handle", c.HumanHandleTime)
	figure(p, "snooze", c.SnoozeTime)
	figure(p, "visitor-messages", c.VisitorMessageCount)
	figure(p, "operator-messages", c.OperatorMessageCount)
	field(p, "csat", c.CustomerSatisfaction)
	field(p, "nps", c.NetPromoterScore)
	field(p, "comment", c.Comment)
	field(p, "answered-at", c.SatisfactionAnsweredAt)
	for i := range c.Unattended {
		field(p, []string{"unattended", "attended"}[i%2], &c.Unattended[i])
	}
	for _, tag := range c.Tags {
		field(p, "tag", &tag)
	}
	for _, u := range c.Users {
		field(p, "user", &u)
	}
	for _, currency := range slices.Sorted(maps.Keys(c.Revenue)) {
		fmt.Fprintf(p, " revenue=%s %s", c.Revenue[currency], currency)
	}
	fmt.Fprintf(p, " events=%d sequences=%d..%d", c.EventCount, c.FirstSequence, c.LastSequence)
	for _, r := range c.Routing {
		p.line("routing")
		field(p, "at", &r.At)
		field(p, "rule", &r.Rule)
		field(p, "group", r.Group)
	}
}

func (p *printer) contact(c *fold.Contact) {
	p.line("contact")
	fmt.Fprintf(p, " %d", c.Ordinal)
	started := fmt.Sprintf("%s:%d", conversation, c.StartedAt)
	if c.ID != started {
		fmt.Fprintf(p, " id=..%s", strings.TrimPrefix(c.ID, started))
	}
	field(p, "operator", &c.Operator)
	field(p, "started", &c.StartedAt)
	field(p, "ended", c.EndedAt)
	field(p, "duration", c.Duration)
	fmt.Fprintf(p, " %s", c.Status)
	if c.Ending != nil {
		fmt.Fprintf(p, " %s", *c.Ending)
	}
	if c.EndingInferred {
		p.WriteString(" inferred")
	}
	field(p, "reason", c.CloseReason)
	field(p, "wait", c.WaitTime)
	field(p, "return", c.ReturnTime)
	field(p, "first-response", c.FirstResponseTime)
	figure(p, "visitor-messages", c.VisitorMessageCount)
	figure(p, "operator-messages", c.OperatorMessageCount)
	field(p, "rule", c.RoutingRule)
	field(p, "group", c.RoutingGroup)
}

// thread writes marks and messages in the order of their positions.
func (p *printer) thread(rows *fold.Rows) {
	lines := make([]string, len(rows.Conversation.Marks)+len(rows.Messages))
	for _, m := range rows.Conversation.Marks {
		var at printer
		at.line("mark " + strings.TrimSuffix(strings.TrimPrefix(string(m.Type), "parley.conversation."), ".v1"))
		field(&at, "at", &m.At)
		field(&at, "from", m.From)
		field(&at, "to", m.To)
		field(&at, "rule", m.ToRule)
		field(&at, "group", m.ToGroup)
		field(&at, "until", m.Until)
		field(&at, "reason", m.Reason)
		lines[m.Position] = at.String()
	}
	for _, m := range rows.Messages {
		var at printer
		at.line("message " + m.ID)
		field(&at, "at", &m.SentAt)
		field(&at, "by", new(strings.ToLower(string(m.AuthorKind))))
		field(&at, "author", m.AuthorID)
		if m.Automatic {
			at.WriteString(" automatic")
		}
		for _, c := range rows.Contacts {
			if m.ContactID != nil && *m.ContactID == c.ID {
				field(&at, "contact", &c.Ordinal)
			}
		}
		field(&at, "text", m.Text)
		field(&at, "read", m.ReadAt)
		field(&at, "deleted", m.DeletedAt)
		lines[m.Position] = at.String()
	}
	for _, text := range lines {
		p.line(text)
	}
}

func (p *printer) transaction(t *fold.Transaction) {
	p.line("transaction " + t.ID)
	field(p, "conversion", &t.ExternalConversionID)
	fmt.Fprintf(p, " amount=%d/10000 %s", t.Amount, t.Currency)
	field(p, "received", &t.ReceivedAt)
	field(p, "from", t.Source)
	field(p, "to", t.AttributedTo)
}
