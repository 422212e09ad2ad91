package iadvize

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/parley-analytics/parley/ingest/source"
	"github.com/parley-analytics/parley/ingest/webhook"
	"github.com/parley-analytics/parley/schema"
)

// SignatureHeader holds sha256= and the HMAC-SHA256 of the body in hexadecimal.
const SignatureHeader = "X-Iadvize-Signature"

// Webhook translates iAdvize's webhooks. Safe for concurrent use.
type Webhook struct {
	Now func() time.Time

	last atomic.Int64 // the latest arrival, in Unix milliseconds
}

// Verify checks the signature, if the hook has a secret.
func (*Webhook) Verify(hook *webhook.Hook, header http.Header, body []byte) bool {
	if hook.Secret == "" {
		return true
	}
	given, ok := strings.CutPrefix(strings.TrimSpace(header.Get(SignatureHeader)), "sha256=")
	if !ok {
		return false
	}
	signature, err := hex.DecodeString(given)
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, []byte(hook.Secret))
	mac.Write(body)
	return hmac.Equal(mac.Sum(nil), signature)
}

// acknowledged are the kinds that have no equivalent among the events.
var acknowledged = []string{
	"user.created", "user.updated", "user.deleted", "user.connected", "user.disconnected",
	"user.availability.updated", "visitor.updated",
}

// Translate creates the events of one webhook.
func (w *Webhook) Translate(_ context.Context, hook *webhook.Hook, body []byte) (webhook.Translation, error) {
	p, fault := source.Read(body)
	if fault != nil {
		return webhook.Translation{Refused: fault}, nil //nolint:nilerr // the fault is the payload's
	}
	name := p.Text(maxName, "eventType")
	kind := strings.TrimPrefix(name, "v2.")
	if slices.Contains(acknowledged, kind) {
		return webhook.Translation{Kind: kind}, nil
	}
	// The first generation of conversation.* identifies conversations differently.
	write, known := writers[kind]
	switch {
	case name == "":
		p.Missing("eventType")
		return webhook.Translation{Refused: p.Fault()}, nil
	case !known, strings.HasPrefix(kind, "conversation.") && kind == name:
		return webhook.Translation{Refused: unsupported("eventType", "is not supported")}, nil
	}
	t := webhook.Translation{Kind: kind}
	if project, given := p.Integer("projectId"); given && project != int64(hook.Project) {
		t.Notice = "projectId: is not the project of this webhook, which is where the event went"
	}
	f := facts{project: hook.Project}
	if !p.Has("conversationId") {
		p.Missing("conversationId")
	} else if f.conversation, _ = schema.ParseConversationID(p.Text(maxName, "conversationId")); f.conversation == "" {
		p.Note(schema.CodeInvalid, "conversationId", "must be a UUID in the 36-character form")
	} else {
		for _, event := range write(hook, f, p, w.sent(p)) {
			t.Events = append(t.Events, event.Encode())
		}
	}
	t.Refused = p.Fault()
	return t, nil
}

func unsupported(field, rule string) *schema.Error {
	return &schema.Error{Code: schema.CodeUnsupported, Field: field, Rule: rule}
}

// maxName is the longest name, e-mail or other short text of an event, in bytes.
const maxName = 1024

// sent is the sequence of an answer or a sale, which orders those of one moment by the time when
// iAdvize sent them, and if that is missing or equal, by the time of arrival.
func (w *Webhook) sent(p *source.Object) int {
	came := w.arrival()
	at, given := p.Moment("sentAt")
	if !given {
		at = came
	}
	const latest = 999_999
	return (int(at)+1)*(latest+1) + int(min(max(came-at, 0), latest))
}

// arrival returns the current time, but never the same one twice.
func (w *Webhook) arrival() schema.Timestamp {
	for {
		before := w.last.Load()
		now := max(int64(schema.TimestampOf(w.Now())), before+1)
		if w.last.CompareAndSwap(before, now) {
			return schema.Timestamp(now)
		}
	}
}

// writer creates the events of one kind of webhook. Faults are recorded in the payload.
type writer func(hook *webhook.Hook, f facts, p *source.Object, sent int) []*source.Event

var writers = map[string]writer{
	"conversation.pushed":    writePushed,
	"conversation.closed":    writeClosed,
	"satisfaction.answered":  writeAnswered,
	"transaction.attributed": writeSold,
}

func writePushed(hook *webhook.Hook, f facts, p *source.Object, _ int) []*source.Event {
	at, dated := moment(p, "createdAt")
	to, known := operator(hook, p)
	if !known {
		p.Missing("operatorId") // recorded as missing otherwise
	}
	switch {
	case !dated:
		return nil
	case !known:
		return opened(f, p, at)
	}
	return append(opened(f, p, at), f.pushed(at, to))
}

func writeClosed(_ *webhook.Hook, f facts, p *source.Object, _ int) []*source.Event {
	at, dated := moment(p, "createdAt")
	if !dated {
		return nil
	}
	return append(opened(f, p, at), f.closed(at, ending{OperatorIDs: p.Integers("operatorIds")}))
}

func writeAnswered(_ *webhook.Hook, f facts, p *source.Object, sent int) []*source.Event {
	var given answer
	if n, there := p.Integer("customerSatisfaction"); there && (n < 1 || n > 5) {
		p.Note(schema.CodeInvalid, "customerSatisfaction", "must be an integer from 1 to 5")
	} else if there {
		given.CustomerSatisfaction = &n
	}
	if n, there := p.Integer("netPromoterScore"); there && (n < 0 || n > 10) {
		p.Note(schema.CodeInvalid, "netPromoterScore", "must be an integer from 0 to 10")
	} else if there {
		given.NetPromoterScore = &n
	}
	if p.Has("satisfactionComment") {
		comment := p.Text(maxText, "satisfactionComment")
		given.Comment = &comment
	}
	at, dated := moment(p, "createdAt")
	switch {
	case given == (answer{}) && p.Has("customQuestion"):
		p.Note(schema.CodeUnsupported, "customQuestion", "has no place in Parley's events")
		return nil
	case given == (answer{}):
		p.Note(schema.CodeMissing, "", "must have one of customerSatisfaction, netPromoterScore, satisfactionComment, customQuestion")
		return nil
	case !dated:
		return nil
	}
	event := f.answered(at, given)
	event.Sequence = sent
	return []*source.Event{event}
}

// maxText is the longest text of a message or comment, in bytes: it fits into an event however it is escaped.
const maxText = 32 << 10

func writeSold(hook *webhook.Hook, f facts, p *source.Object, sent int) []*source.Event {
	at, dated := p.Moment("receivedAt")
	if !dated {
		at, dated = moment(p, "createdAt")
	}
	made := sale{
		TransactionID: p.ID("transactionId", "externalId"), ExternalConversionID: p.ID("externalId", "transactionId"),
		Currency: strings.ToUpper(p.Text(maxName, "currency")), Source: strings.ToUpper(p.Text(maxName, "source")),
	}
	amount, paid := p.Amount("amount")
	switch {
	case made.TransactionID == "":
		p.Missing("transactionId")
		return nil
	case !paid:
		p.Missing("amount") // recorded as missing otherwise
		return nil
	case !dated:
		return nil
	}
	made.Amount = amount.String()
	if made.Currency == "" {
		made.Currency = hook.Currency
	}
	switch schema.TransactionSource(made.Source) {
	case "", schema.SourceOnsite, schema.SourceOffsite:
	default:
		p.Note(schema.CodeInvalid, "source", "must be ONSITE or OFFSITE; it is left out of the events")
		made.Source = ""
	}
	if who, known := operator(hook, p); known {
		made.AttributedTo = &user{ID: who.ID}
	}
	event := f.sold(at, made)
	event.Sequence = sent
	return []*source.Event{event}
}

// moment reads a time that is required.
func moment(p *source.Object, name string) (schema.Timestamp, bool) {
	at, given := p.Moment(name)
	if !given {
		p.Missing(name) // recorded as missing otherwise
	}
	return at, given
}

// opened names channel and visitor, which every push and close contains: so the conversation is
// complete whichever of them arrives.
func opened(f facts, p *source.Object, at schema.Timestamp) []*source.Event {
	name := p.Text(maxName, "channel")
	channel, known := channelOf(name)
	if !known && name != "" {
		p.Note(schema.CodeInvalid, "channel", "must be a channel that Parley knows; channel and visitor are left out of the events")
	}
	if !known {
		return nil
	}
	o := &opening{Channel: channel}
	if id := p.ID("visitorId"); id != "" {
		o.Visitor = &visitor{ID: id, ExternalID: p.ID("visitorExternalId")}
	}
	return []*source.Event{f.opened(at, o)}
}

// channelOf maps the platform's names of channels.
func channelOf(name string) (string, bool) {
	name = strings.ToUpper(name)
	switch name {
	case "FACEBOOK_BUSINESS", "MESSENGER":
		name = "FACEBOOK_BUSINESS_ON_MESSENGER"
	case "MOBILE", "MOBILEAPP":
		name = "MOBILE_APP"
	}
	return name, slices.Contains(schema.Channels(), schema.Channel(name))
}

// operator reads operatorId.
func operator(hook *webhook.Hook, p *source.Object) (user, bool) {
	id, given := p.Integer("operatorId")
	if given && (id < 1 || id > 1<<53-1) {
		p.Note(schema.CodeInvalid, "operatorId", "must be an integer from 1 to 9007199254740991")
		given = false
	}
	if !given {
		return user{}, false
	}
	u := user{ID: id, Kind: schema.KindProfessional}
	if hook.IsBot(schema.OperatorID(id)) {
		u.Kind = schema.KindBot
	}
	return u, true
}
