package schema

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// members is a JSON object; encoding sorts its members, so that equal events have
// equal bytes.
type members map[string]any

// Encode writes an event in the structured mode of CloudEvents, on one line. It is
// the inverse of [Decode]: what it writes of a decoded event decodes into an equal
// one, and equal events have equal bytes. Unknown members and attributes were not decoded and so
// are not written; numbers and booleans of custom data are written as strings.
func Encode(e *Event) []byte {
	envelope := members{
		"specversion": "1.0", "id": e.ID, "source": e.Source, "type": e.Type,
		"time": e.Time.String(), "subject": e.Conversation, "projectid": e.Project,
		"datacontenttype": "application/json", "data": dataMembers(e.Data),
	}
	if e.HasOrder {
		envelope["sequence"] = strconv.FormatUint(e.Order, 10)
	}
	if e.Origin > 0 {
		envelope["parleyorigin"] = strconv.FormatUint(uint64(e.Origin), 10)
	}
	if e.Released {
		envelope["parleyreleased"] = "true"
	}
	return bytes.TrimSuffix(marshal(envelope), []byte("\n"))
}

// Unmarked returns a valid event without the attributes that no sender may set, all else value for value.
// Exported events may have them; they mean nothing in another log.
func Unmarked(payload []byte) []byte { return remarked(payload, false) }

// MarkReleased returns a valid event as one that was in quarantine, all else value for value. One that has no room for the mark
// stays without it.
func MarkReleased(payload []byte) []byte {
	if marked := remarked(payload, true); len(marked) <= MaxEventBytes {
		return marked
	}
	return Unmarked(payload)
}

func remarked(payload []byte, released bool) []byte {
	var envelope map[string]json.RawMessage
	if json.Unmarshal(payload, &envelope) != nil {
		return payload
	}
	delete(envelope, "parleyorigin")
	delete(envelope, "parleyreleased")
	if released {
		envelope["parleyreleased"] = json.RawMessage(`"true"`)
	}
	return bytes.TrimSuffix(marshal(envelope), []byte("\n"))
}

// marshal writes JSON without the escapes that HTML needs: they could make an event grow beyond [MaxEventBytes].
func marshal(value any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // strings, numbers and booleans always encode
	}
	return out.Bytes()
}

func dataMembers(data Data) members {
	o := members{}
	switch d := data.(type) {
	case *Opened:
		o["channel"] = d.Channel
		put(o, "language", d.Language)
		put(o, "initiator", d.Initiator)
		putVisitor(o, d.Visitor)
		putRef(o, "campaign", d.Campaign)
		if d.CustomData != nil {
			o["customData"] = customMembers(d.CustomData)
		}
	case *Routed:
		putRef(o, "routingRule", &d.Rule)
		putRef(o, "routingGroup", d.Group)
	case *Pushed:
		putUser(o, "toUser", &d.To)
	case *Snoozed:
		putUser(o, "byUser", d.By)
		if d.Until != nil {
			o["until"] = d.Until.String()
		}
	case *Transferred:
		putUser(o, "fromUser", d.From)
		putUser(o, "toUser", d.To)
		putRef(o, "toRoutingRule", d.ToRule)
		putRef(o, "toRoutingGroup", d.ToGroup)
	case *Closed:
		putUser(o, "byUser", d.By)
		put(o, "reason", d.Reason)
	case *Tagged:
		putRef(o, "tag", &d.Tag)
	case *Untagged:
		putRef(o, "tag", &d.Tag)
	case *Message:
		author := members{"kind": d.AuthorKind}
		put(author, "id", d.OperatorID)
		put(author, "id", d.VisitorID)
		o["messageId"], o["author"], o["automatic"] = d.MessageID, author, d.Automatic
		put(o, "text", d.Text)
	case *Read:
		o["reader"] = d.Reader
		put(o, "upTo", d.UpTo)
	case *Deleted:
		o["messageId"] = d.MessageID
	case *Customer:
		c := members{"id": d.ID}
		put(c, "externalId", d.ExternalID)
		put(c, "firstName", d.FirstName)
		put(c, "lastName", d.LastName)
		put(c, "email", d.Email)
		put(c, "phone", d.Phone)
		put(c, "notes", d.Notes)
		put(c, "type", d.Type)
		put(c, "ipAddress", d.IPAddress)
		put(c, "ipLocation", d.IPLocation)
		if d.CustomData != nil {
			c["customData"] = customMembers(d.CustomData)
		}
		o["customer"] = c
		putClear(o, d.Clear)
	case *Seller:
		s := members{"id": d.ID}
		put(s, "businessName", d.BusinessName)
		put(s, "legalBusinessName", d.LegalBusinessName)
		put(s, "emailAddress", d.EmailAddress)
		put(s, "phone", d.Phone)
		put(s, "online", d.Online)
		o["seller"] = s
		putClear(o, d.Clear)
	case *Satisfaction:
		put(o, "customerSatisfaction", d.CustomerSatisfaction)
		put(o, "netPromoterScore", d.NetPromoterScore)
		put(o, "comment", d.Comment)
	case *Transaction:
		o["transactionId"], o["externalConversionId"] = d.TransactionID, d.ExternalConversionID
		o["amount"], o["currency"] = d.Amount.String(), d.Currency
		o["receivedAt"] = d.ReceivedAt.String()
		put(o, "source", d.Source)
		putUser(o, "attributedTo", d.AttributedTo)
	}
	return o
}

// put adds a member unless it is absent.
func put[T any](o members, name string, value *T) {
	if value != nil {
		o[name] = *value
	}
}

func putVisitor(o members, visitor *Visitor) {
	if visitor == nil {
		return
	}
	v := members{"id": visitor.ID}
	put(v, "externalId", visitor.ExternalID)
	put(v, "firstName", visitor.FirstName)
	put(v, "lastName", visitor.LastName)
	put(v, "email", visitor.Email)
	put(v, "phone", visitor.Phone)
	o["visitor"] = v
}

func putClear(o members, clear []string) {
	if clear != nil {
		o["clear"] = clear
	}
}

func putRef(o members, name string, ref *Ref) {
	if ref == nil {
		return
	}
	r := members{"id": ref.ID}
	put(r, "name", ref.Name)
	o[name] = r
}

func putUser(o members, name string, user *User) {
	if user == nil {
		return
	}
	u := members{"id": user.ID}
	if user.Kind != "" {
		u["kind"] = user.Kind
	}
	put(u, "name", user.Name)
	put(u, "email", user.Email)
	o[name] = u
}

// customMembers keeps the order and the repeated keys, which a map would lose.
func customMembers(values []CustomValue) json.RawMessage {
	out := []byte{'{'}
	for i, v := range values {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(out, marshal(v.Key)...), ':')
		out = append(out, marshal(v.Value)...)
	}
	return append(out, '}')
}
