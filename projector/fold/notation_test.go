package fold_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-analytics/parley/schema"
)

// The notation of transcripts.
//
// An event is a line: its time as an offset from the beginning of 2024, its
// type, then its arguments, in any order:
//
//	1.5s pushed to=pro/42/Ada
//	2s   message m1 by=visitor text="where is it?"
//
// Operators are kind/id/name with kind pro, expert, bot or empty (/42); rules,
// groups, tags and campaigns id/name. seq= is the sender's sequence, source=
// and id= name the event (default: s, e and the number of the line), log= is
// its place in the log (default: the number of the line).
//
// Rows are printed with what is there: a figure that is missing is null, or 0
// where the contract has no null for it. Moments are offsets as well.

var epoch = schema.TimestampOf(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC))

const conversation schema.ConversationID = "0b9f6a52-6f7c-4c8e-9d0e-3a1f5b7c9d01"

var kinds = map[string]schema.UserKind{
	"visitor": schema.KindVisitor, "pro": schema.KindProfessional, "expert": schema.KindExpert, "bot": schema.KindBot, "": "",
}

// line is an event in the notation, taken apart.
type line struct {
	words []string          // what has no name: time, type, ids
	args  map[string]string // what has one
}

func parseLine(text string) (line, error) {
	l := line{args: map[string]string{}}
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		name, quoted := "", false
		end := strings.IndexByte(text, ' ')
		if end < 0 {
			end = len(text)
		}
		if is := strings.IndexByte(text[:end], '='); is >= 0 {
			name, text, end = text[:is], text[is+1:], end-is-1
			quoted = strings.HasPrefix(text, `"`)
		}
		value := text[:end]
		if quoted {
			prefix, err := strconv.QuotedPrefix(text)
			if err != nil {
				return l, err
			}
			end = len(prefix)
			if value, err = strconv.Unquote(prefix); err != nil {
				return l, err
			}
		}
		text = text[end:]
		if name == "" {
			l.words = append(l.words, value)
		} else {
			l.args[name] = value
		}
	}
	if len(l.words) < 2 {
		return l, fmt.Errorf("an event needs a time and a type")
	}
	return l, nil
}

// parseEvent reads the n-th event of a transcript.
func parseEvent(text string, n int) (schema.Record, error) {
	l, err := parseLine(text)
	if err != nil {
		return schema.Record{}, err
	}
	offset, err := time.ParseDuration(l.words[0])
	if err != nil {
		return schema.Record{}, err
	}
	at := epoch + schema.Timestamp(offset.Milliseconds())
	r := schema.Record{Sequence: schema.Sequence(n), ReceivedAt: at, Event: schema.Event{
		Project: 9999, Conversation: conversation, Source: "s", ID: fmt.Sprintf("e%d", n), Time: at,
	}}
	for name, value := range l.take("source", "id", "seq", "log") {
		switch name {
		case "source":
			r.Event.Source = value
		case "id":
			r.Event.ID = value
		case "seq":
			r.Event.HasOrder = true
			r.Event.Order, err = strconv.ParseUint(value, 10, 64)
		case "log":
			var sequence uint64
			sequence, err = strconv.ParseUint(value, 10, 64)
			r.Sequence = schema.Sequence(sequence)
		}
		if err != nil {
			return r, err
		}
	}
	if r.Event.Type, r.Event.Data, err = l.data(at); err != nil {
		return r, err
	}
	if len(l.args) > 0 {
		return r, fmt.Errorf("%s has no %v", l.words[1], slices.Sorted(maps.Keys(l.args)))
	}
	return r, nil
}

// take removes arguments from the line and returns those that were there.
func (l line) take(names ...string) map[string]string {
	taken := map[string]string{}
	for _, name := range names {
		if value, ok := l.args[name]; ok {
			taken[name] = value
			delete(l.args, name)
		}
	}
	return taken
}

func (l line) text(name string) *string {
	if value, ok := l.take(name)[name]; ok {
		return &value
	}
	return nil
}

func (l line) ref(name string) *schema.Ref {
	if value := l.text(name); value != nil {
		return new(parseRef(*value))
	}
	return nil
}

func (l line) user(name string) *schema.User {
	value := l.text(name)
	if value == nil {
		return nil
	}
	parts := strings.SplitN(*value, "/", 3)
	u := schema.User{Kind: kinds[parts[0]]}
	id, _ := strconv.ParseInt(parts[1], 10, 64)
	u.ID = schema.OperatorID(id)
	if len(parts) > 2 {
		u.Name = &parts[2]
	}
	return &u
}

func (l line) moment(name string) *schema.Timestamp {
	if value := l.text(name); value != nil {
		offset, _ := time.ParseDuration(*value)
		return new(epoch + schema.Timestamp(offset.Milliseconds()))
	}
	return nil
}

func (l line) score(name string) *uint8 {
	if value := l.text(name); value != nil {
		n, _ := strconv.ParseUint(*value, 10, 8)
		return new(uint8(n))
	}
	return nil
}

// word is the third word of the line: the id of what the event is about.
func (l line) word() string {
	if len(l.words) < 3 {
		return ""
	}
	return l.words[2]
}

func parseRef(text string) schema.Ref {
	id, name, named := strings.Cut(text, "/")
	ref := schema.Ref{ID: id}
	if named {
		ref.Name = &name
	}
	return ref
}

func (l line) data(at schema.Timestamp) (schema.Type, schema.Data, error) {
	switch l.words[1] {
	case "opened":
		d := &schema.Opened{Channel: schema.Channel(l.word()), Language: l.text("language"), Campaign: l.ref("campaign")}
		if initiator := l.text("initiator"); initiator != nil {
			d.Initiator = new(schema.Initiator(*initiator))
		}
		if visitor := l.ref("visitor"); visitor != nil {
			d.Visitor = &schema.Visitor{ID: visitor.ID, FirstName: visitor.Name}
		}
		if custom := l.text("custom"); custom != nil {
			d.CustomData = []schema.CustomValue{}
			for _, pair := range strings.Fields(*custom) {
				key, value, _ := strings.Cut(pair, ":")
				d.CustomData = append(d.CustomData, schema.CustomValue{Key: key, Value: value})
			}
		}
		return schema.TypeOpened, d, nil
	case "routed":
		return schema.TypeRouted, &schema.Routed{Rule: parseRef(l.word()), Group: l.ref("group")}, nil
	case "pushed":
		return schema.TypePushed, &schema.Pushed{To: *l.user("to")}, nil
	case "snoozed":
		return schema.TypeSnoozed, &schema.Snoozed{By: l.user("by"), Until: l.moment("until")}, nil
	case "transferred":
		return schema.TypeTransferred, &schema.Transferred{
			From: l.user("from"), To: l.user("to"), ToRule: l.ref("rule"), ToGroup: l.ref("group")}, nil
	case "closed":
		return schema.TypeClosed, &schema.Closed{By: l.user("by"), Reason: l.text("reason")}, nil
	case "tagged":
		return schema.TypeTagged, &schema.Tagged{Tag: parseRef(l.word())}, nil
	case "untagged":
		return schema.TypeUntagged, &schema.Untagged{Tag: parseRef(l.word())}, nil
	case "message":
		kind, id, named := strings.Cut(*l.text("by"), "/")
		d := &schema.Message{MessageID: l.word(), AuthorKind: kinds[kind], Text: l.text("text"),
			Automatic: slices.Contains(l.words, "automatic")}
		if named && d.AuthorKind == schema.KindVisitor {
			d.VisitorID = &id
		} else if named {
			n, _ := strconv.ParseInt(id, 10, 64)
			d.OperatorID = new(schema.OperatorID(n))
		}
		return schema.TypeMessage, d, nil
	case "read":
		return schema.TypeRead, &schema.Read{Reader: schema.Reader(strings.ToUpper(l.word())), UpTo: l.text("upto")}, nil
	case "deleted":
		return schema.TypeDeleted, &schema.Deleted{MessageID: l.word()}, nil
	case "customer":
		d := &schema.Customer{ID: l.word(), FirstName: l.text("first"), Email: l.text("email"), Notes: l.text("notes")}
		if clear := l.text("clear"); clear != nil {
			d.Clear = strings.Fields(*clear)
		}
		return schema.TypeCustomer, d, nil
	case "seller":
		d := &schema.Seller{ID: l.word(), BusinessName: l.text("business"), EmailAddress: l.text("email")}
		if clear := l.text("clear"); clear != nil {
			d.Clear = strings.Fields(*clear)
		}
		return schema.TypeSeller, d, nil
	case "satisfaction":
		return schema.TypeSatisfaction, &schema.Satisfaction{
			CustomerSatisfaction: l.score("csat"), NetPromoterScore: l.score("nps"), Comment: l.text("comment")}, nil
	case "transaction":
		d := &schema.Transaction{TransactionID: l.word(), ExternalConversionID: l.word(), ReceivedAt: at, Currency: "EUR"}
		if conversion := l.text("conversion"); conversion != nil {
			d.ExternalConversionID = *conversion
		}
		if currency := l.text("currency"); currency != nil {
			d.Currency = schema.Currency(*currency)
		}
		if received := l.moment("received"); received != nil {
			d.ReceivedAt = *received
		}
		if source := l.text("from"); source != nil {
			d.Source = new(schema.TransactionSource(*source))
		}
		if amount := l.text("amount"); amount != nil {
			whole, part, _ := strings.Cut(*amount, ".")
			n, _ := strconv.ParseInt(whole+(part + "0000")[:4], 10, 64)
			d.Amount = schema.Amount(n)
		}
		d.AttributedTo = l.user("to")
		return schema.TypeTransaction, d, nil
	}
	return "", nil, fmt.Errorf("unknown type %q", l.words[1])
}
