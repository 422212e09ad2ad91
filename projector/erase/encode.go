package erase

import (
	"encoding/json"
	"strconv"

	"github.com/parley-analytics/parley/schema"
)

// object is a JSON object; encoding sorts its members, so that equal events
// have equal bytes.
type object map[string]any

// encode writes an event in the structured mode of CloudEvents. Custom data is
// written as the empty object: see redact.
func encode(e *schema.Event) []byte {
	envelope := object{
		"specversion": "1.0", "id": e.ID, "source": e.Source, "type": e.Type,
		"time": e.Time.String(), "subject": e.Conversation, "projectid": e.Project,
		"datacontenttype": "application/json", "data": encodeData(e.Data),
	}
	if e.HasOrder {
		envelope["sequence"] = strconv.FormatUint(e.Order, 10)
	}
	out, err := json.Marshal(envelope)
	if err != nil {
		panic(err) // strings and numbers always encode
	}
	return out
}

func encodeData(data schema.Data) object {
	o := object{}
	switch d := data.(type) {
	case *schema.Opened:
		o["channel"] = d.Channel
		put(o, "language", d.Language)
		put(o, "initiator", d.Initiator)
		if d.Visitor != nil {
			o["visitor"] = object{"id": d.Visitor.ID}
		}
		putRef(o, "campaign", d.Campaign)
		if d.CustomData != nil {
			o["customData"] = object{}
		}
	case *schema.Routed:
		putRef(o, "routingRule", &d.Rule)
		putRef(o, "routingGroup", d.Group)
	case *schema.Pushed:
		putUser(o, "toUser", &d.To)
	case *schema.Snoozed:
		putUser(o, "byUser", d.By)
		if d.Until != nil {
			o["until"] = d.Until.String()
		}
	case *schema.Transferred:
		putUser(o, "fromUser", d.From)
		putUser(o, "toUser", d.To)
		putRef(o, "toRoutingRule", d.ToRule)
		putRef(o, "toRoutingGroup", d.ToGroup)
	case *schema.Closed:
		putUser(o, "byUser", d.By)
		put(o, "reason", d.Reason)
	case *schema.Tagged:
		putRef(o, "tag", &d.Tag)
	case *schema.Untagged:
		putRef(o, "tag", &d.Tag)
	case *schema.Message:
		author := object{"kind": d.AuthorKind}
		put(author, "id", d.OperatorID)
		put(author, "id", d.VisitorID)
		o["messageId"], o["author"], o["automatic"] = d.MessageID, author, d.Automatic
	case *schema.Satisfaction:
		put(o, "customerSatisfaction", d.CustomerSatisfaction)
		put(o, "netPromoterScore", d.NetPromoterScore)
		put(o, "comment", d.Comment)
	case *schema.Transaction:
		o["transactionId"], o["externalConversionId"] = d.TransactionID, d.ExternalConversionID
		o["amount"], o["currency"] = d.Amount.String(), d.Currency
		o["receivedAt"] = d.ReceivedAt.String()
		put(o, "source", d.Source)
		putUser(o, "attributedTo", d.AttributedTo)
	}
	return o
}

// put adds a member unless it is absent.
func put[T any](o object, name string, value *T) {
	if value != nil {
		o[name] = *value
	}
}

func putRef(o object, name string, ref *schema.Ref) {
	if ref != nil {
		r := object{"id": ref.ID}
		put(r, "name", ref.Name)
		o[name] = r
	}
}

func putUser(o object, name string, user *schema.User) {
	if user == nil {
		return
	}
	u := object{"id": user.ID}
	if user.Kind != "" {
		u["kind"] = user.Kind
	}
	put(u, "name", user.Name)
	put(u, "email", user.Email)
	o[name] = u
}
