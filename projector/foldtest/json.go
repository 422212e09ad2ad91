package foldtest

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/parley-analytics/parley/schema"
)

// JSON writes an event as a structured CloudEvent, which decodes into the same
// event again. Custom data is written as strings.
func JSON(e *schema.Event) []byte {
	envelope := object{
		"specversion": "1.0", "id": e.ID, "source": e.Source, "type": e.Type,
		"time": e.Time.String(), "subject": e.Conversation, "projectid": e.Project,
		"datacontenttype": "application/json", "data": dataOf(e.Data),
	}
	if e.HasOrder {
		envelope["sequence"] = strconv.FormatUint(e.Order, 10)
	}
	out, err := json.Marshal(envelope)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	return out
}

type object map[string]any

// set adds a member unless the value is nil.
func set[T any](o object, name string, value *T) {
	if value != nil {
		o[name] = *value
	}
}

func dataOf(data schema.Data) object {
	o := object{}
	switch d := data.(type) {
	case *schema.Opened:
		o["channel"] = d.Channel
		set(o, "language", d.Language)
		set(o, "initiator", d.Initiator)
		if d.Visitor != nil {
			v := object{"id": d.Visitor.ID}
			set(v, "externalId", d.Visitor.ExternalID)
			set(v, "firstName", d.Visitor.FirstName)
			set(v, "lastName", d.Visitor.LastName)
			set(v, "email", d.Visitor.Email)
			set(v, "phone", d.Visitor.Phone)
			o["visitor"] = v
		}
		setRef(o, "campaign", d.Campaign)
		if d.CustomData != nil {
			o["customData"] = customData(d.CustomData)
		}
	case *schema.Routed:
		setRef(o, "routingRule", &d.Rule)
		setRef(o, "routingGroup", d.Group)
	case *schema.Pushed:
		setUser(o, "toUser", &d.To)
	case *schema.Snoozed:
		setUser(o, "byUser", d.By)
		if d.Until != nil {
			o["until"] = d.Until.String()
		}
	case *schema.Transferred:
		setUser(o, "fromUser", d.From)
		setUser(o, "toUser", d.To)
		setRef(o, "toRoutingRule", d.ToRule)
		setRef(o, "toRoutingGroup", d.ToGroup)
	case *schema.Closed:
		setUser(o, "byUser", d.By)
		set(o, "reason", d.Reason)
	case *schema.Tagged:
		setRef(o, "tag", &d.Tag)
	case *schema.Untagged:
		setRef(o, "tag", &d.Tag)
	case *schema.Message:
		author := object{"kind": d.AuthorKind}
		set(author, "id", d.OperatorID)
		set(author, "id", d.VisitorID)
		o["messageId"], o["author"] = d.MessageID, author
		if d.Automatic {
			o["automatic"] = true
		}
		set(o, "text", d.Text)
	case *schema.Satisfaction:
		set(o, "customerSatisfaction", d.CustomerSatisfaction)
		set(o, "netPromoterScore", d.NetPromoterScore)
		set(o, "comment", d.Comment)
	case *schema.Transaction:
		o["transactionId"], o["externalConversionId"] = d.TransactionID, d.ExternalConversionID
		o["amount"], o["currency"] = amount(d.Amount), d.Currency
		o["receivedAt"] = d.ReceivedAt.String()
		set(o, "source", d.Source)
		setUser(o, "attributedTo", d.AttributedTo)
	}
	return o
}

func setRef(o object, name string, ref *schema.Ref) {
	if ref == nil {
		return
	}
	r := object{"id": ref.ID}
	set(r, "name", ref.Name)
	o[name] = r
}

func setUser(o object, name string, user *schema.User) {
	if user == nil {
		return
	}
	u := object{"id": user.ID}
	if user.Kind != "" {
		u["kind"] = user.Kind
	}
	set(u, "name", user.Name)
	set(u, "email", user.Email)
	o[name] = u
}

// customData keeps the order and the repeated keys, which a map would lose.
func customData(values []schema.CustomValue) json.RawMessage {
	out := []byte{'{'}
	for i, v := range values {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(out, quote(v.Key)...), ':')
		out = append(out, quote(v.Value)...)
	}
	return append(out, '}')
}

func quote(s string) []byte {
	out, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings always marshal
	}
	return out
}

// amount writes ten-thousandths as a decimal string with four digits after the
// point.
func amount(a schema.Amount) string {
	sign := ""
	if a < 0 {
		sign, a = "-", -a
	}
	return fmt.Sprintf("%s%d.%04d", sign, a/10_000, a%10_000)
}
