package iadvize

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/parley-analytics/parley/ingest/source"
	"github.com/parley-analytics/parley/ingest/webhook"
	"github.com/parley-analytics/parley/schema"
)

// SignatureHeader holds sha256= and the HMAC-SHA256 of the body in hexadecimal.
const SignatureHeader = "X-Iadvize-Signature"

// Webhook translates iAdvize's webhooks. The zero value is ready.
type Webhook struct{}

// Verify checks the signature, where the hook has a secret.
func (Webhook) Verify(hook *webhook.Hook, header http.Header, body []byte) bool {
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

// payload has the members of all webhooks that are used.
type payload struct {
	EventType string          `json:"eventType"`
	ProjectID *source.Integer `json:"projectId"`
	CreatedAt *source.Moment  `json:"createdAt"`

	ConversationID    string           `json:"conversationId"`
	OperatorID        *source.Integer  `json:"operatorId"`
	OperatorIDs       []source.Integer `json:"operatorIds"`
	VisitorID         string           `json:"visitorId"`
	VisitorExternalID string           `json:"visitorExternalId"`
	Channel           string           `json:"channel"`

	CustomerSatisfaction *source.Integer `json:"customerSatisfaction"`
	NetPromoterScore     *source.Integer `json:"netPromoterScore"`
	SatisfactionComment  *string         `json:"satisfactionComment"`
	CustomQuestion       json.RawMessage `json:"customQuestion"`

	TransactionID string          `json:"transactionId"`
	ExternalID    string          `json:"externalId"`
	Amount        json.RawMessage `json:"amount"`
	Currency      string          `json:"currency"`
	ReceivedAt    *source.Moment  `json:"receivedAt"`
	Source        string          `json:"source"`
}

// acknowledged are the kinds that say nothing that an event could hold.
var acknowledged = []string{
	"user.created", "user.updated", "user.deleted", "user.connected", "user.disconnected",
	"user.availability.updated", "visitor.updated",
}

// Translate makes events of one webhook.
func (Webhook) Translate(_ context.Context, hook *webhook.Hook, body []byte) (webhook.Translation, error) {
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return webhook.Translation{}, malformedJSON(err)
	}
	if p.EventType == "" {
		return webhook.Translation{}, &webhook.MalformedError{Field: "eventType", Rule: "is required"}
	}
	kind := strings.TrimPrefix(p.EventType, "v2.")
	if slices.Contains(acknowledged, kind) {
		return webhook.Translation{Kind: kind}, nil
	}
	// The first generation of conversation.* names conversations otherwise.
	write, known := writers[kind]
	if !known || strings.HasPrefix(kind, "conversation.") && kind == p.EventType {
		return webhook.Translation{Unsupported: "eventType: is none that Parley knows"}, nil
	}
	t := webhook.Translation{Kind: kind}
	if p.ProjectID != nil && int64(*p.ProjectID) != int64(hook.Project) {
		t.Notice = "projectId: is not the project of this webhook, which is where the event went"
	}
	f := facts{project: hook.Project}
	var err error
	if f.conversation, err = schema.ParseConversationID(p.ConversationID); err != nil {
		return t, &webhook.MalformedError{Field: "conversationId", Rule: "must be a UUID in the 36-character form"}
	}
	events, unsupported, err := write(hook, f, &p)
	if err != nil {
		return t, err
	}
	for _, event := range events {
		t.Events = append(t.Events, event.Encode())
	}
	t.Unsupported = unsupported
	return t, nil
}

// writer makes the events of one kind of webhook, or says why it means nothing.
type writer func(hook *webhook.Hook, f facts, p *payload) (events []*source.Event, unsupported string, err error)

var writers = map[string]writer{
	"conversation.pushed":    writePushed,
	"conversation.closed":    writeClosed,
	"satisfaction.answered":  writeAnswered,
	"transaction.attributed": writeSold,
}

func writePushed(hook *webhook.Hook, f facts, p *payload) ([]*source.Event, string, error) {
	if p.CreatedAt == nil {
		return nil, "", required("createdAt")
	}
	if p.OperatorID == nil {
		return nil, "", required("operatorId")
	}
	to, err := operator(hook, "operatorId", *p.OperatorID)
	if err != nil {
		return nil, "", err
	}
	return append(p.opening(f), f.pushed(p.CreatedAt.Timestamp, to)), "", nil
}

func writeClosed(hook *webhook.Hook, f facts, p *payload) ([]*source.Event, string, error) {
	if p.CreatedAt == nil {
		return nil, "", required("createdAt")
	}
	var took []int64
	for _, id := range p.OperatorIDs {
		if _, err := operator(hook, "operatorIds", id); err != nil {
			return nil, "", err
		}
		took = append(took, int64(id))
	}
	return append(p.opening(f), f.closed(p.CreatedAt.Timestamp, ending{OperatorIDs: took})), "", nil
}

func writeAnswered(_ *webhook.Hook, f facts, p *payload) ([]*source.Event, string, error) {
	if p.CreatedAt == nil {
		return nil, "", required("createdAt")
	}
	given := answer{Comment: p.SatisfactionComment}
	if n := p.CustomerSatisfaction; n != nil {
		if *n < 1 || *n > 5 {
			return nil, "", &webhook.MalformedError{Field: "customerSatisfaction", Rule: "must be an integer from 1 to 5"}
		}
		given.CustomerSatisfaction = (*int64)(n)
	}
	if n := p.NetPromoterScore; n != nil {
		if *n < 0 || *n > 10 {
			return nil, "", &webhook.MalformedError{Field: "netPromoterScore", Rule: "must be an integer from 0 to 10"}
		}
		given.NetPromoterScore = (*int64)(n)
	}
	if given == (answer{}) {
		if len(p.CustomQuestion) > 0 && string(p.CustomQuestion) != "null" {
			return nil, "customQuestion: has no place in Parley's events", nil
		}
		return nil, "", &webhook.MalformedError{Rule: "must have one of customerSatisfaction, netPromoterScore, satisfactionComment, customQuestion"}
	}
	return []*source.Event{f.answered(p.CreatedAt.Timestamp, given)}, "", nil
}

func writeSold(hook *webhook.Hook, f facts, p *payload) ([]*source.Event, string, error) {
	at := p.ReceivedAt
	if at == nil {
		at = p.CreatedAt
	}
	if at == nil {
		return nil, "", required("receivedAt")
	}
	made := sale{
		TransactionID: p.TransactionID, ExternalConversionID: p.ExternalID,
		Amount: strings.Trim(string(p.Amount), `"`), Currency: strings.ToUpper(p.Currency), Source: strings.ToUpper(p.Source),
	}
	if made.TransactionID == "" {
		made.TransactionID = made.ExternalConversionID
	}
	if made.ExternalConversionID == "" {
		made.ExternalConversionID = made.TransactionID
	}
	if made.TransactionID == "" {
		return nil, "", required("transactionId")
	}
	if _, err := schema.ParseAmount(made.Amount); err != nil {
		return nil, "", &webhook.MalformedError{Field: "amount", Rule: "must be a decimal number with at most 4 digits after the point"}
	}
	if made.Currency == "" {
		made.Currency = hook.Currency
	}
	if p.OperatorID != nil {
		who, err := operator(hook, "operatorId", *p.OperatorID)
		if err != nil {
			return nil, "", err
		}
		made.AttributedTo = &user{ID: who.ID}
	}
	return []*source.Event{f.sold(at.Timestamp, made)}, "", nil
}

// opening tells channel and visitor, which every push and close names: so the
// conversation is whole whichever of them arrives.
func (p *payload) opening(f facts) []*source.Event {
	channel, known := channelOf(p.Channel)
	if !known {
		return nil
	}
	o := &opening{Channel: channel}
	if p.VisitorID != "" {
		o.Visitor = &visitor{ID: p.VisitorID, ExternalID: p.VisitorExternalID}
	}
	return []*source.Event{f.opened(p.CreatedAt.Timestamp, o)}
}

// channelOf knows the platform's names of channels.
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

func operator(hook *webhook.Hook, field string, id source.Integer) (user, error) {
	if id < 1 || id > 1<<53-1 {
		return user{}, &webhook.MalformedError{Field: field, Rule: "must be an integer from 1 to 9007199254740991"}
	}
	u := user{ID: int64(id), Kind: schema.KindProfessional}
	if hook.IsBot(schema.OperatorID(id)) {
		u.Kind = schema.KindBot
	}
	return u, nil
}

func required(field string) error { return &webhook.MalformedError{Field: field, Rule: "is required"} }

// malformedJSON says what is wrong without saying what stood there.
func malformedJSON(err error) error {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) && kind.Field != "" {
		return &webhook.MalformedError{Field: kind.Field, Rule: "has the wrong type"}
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) || kind != nil {
		return &webhook.MalformedError{Rule: "the body must be one JSON object"}
	}
	return &webhook.MalformedError{Rule: "a member of the body: " + err.Error()}
}
