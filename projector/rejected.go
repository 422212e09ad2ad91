package projector

import "github.com/parley-analytics/parley/schema"

// NotRejected is the detail of entries of the log of rejected events that are no messages of it.
const NotRejected = "must be a message of the rejected log"

// judgeRejected reads an entry of the log of what was refused at the edge: it
// is a row of quarantine as it is. Anything else (anyone with the broker's
// credentials may publish) becomes one as well, with its own bytes.
func judgeRejected(entry schema.Entry) (schema.Record, *Rejection) {
	r := schema.Record{Sequence: entry.Sequence, ReceivedAt: schema.TimestampOf(entry.ReceivedAt)}
	refused, err := schema.DecodeRejected(entry.Payload)
	if err != nil {
		return r, rejection(LogRejected, r, &schema.Error{Code: schema.CodeInvalidJSON, Rule: NotRejected})
	}
	return r, &Rejection{
		Log: LogRejected, Sequence: r.Sequence, ReceivedAt: r.ReceivedAt,
		Reason: refused.Reason, Detail: refused.Detail,
		Source: refused.Source, EventID: refused.EventID,
		Original: append([]byte{}, refused.Original...), // not nil: it is known
	}
}
