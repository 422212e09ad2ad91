package projector

import "github.com/parley-analytics/parley/schema"

// judgeRejected reads an entry of the log of what was refused at the edge: it
// is a row of quarantine as it is. Anything else (anyone with the broker's
// credentials may publish) becomes one as well, with its own bytes.
func judgeRejected(entry schema.Entry) (schema.Record, *Rejection) {
	r := schema.Record{Sequence: entry.Sequence, ReceivedAt: schema.TimestampOf(entry.ReceivedAt)}
	refused, err := schema.DecodeRejected(entry.Payload)
	if err != nil {
		return r, rejection(LogRejected, r, &schema.Error{Code: schema.CodeInvalidJSON, Rule: "must be a message of the rejected log"})
	}
	return r, &Rejection{
		Log: LogRejected, Sequence: r.Sequence, ReceivedAt: r.ReceivedAt,
		Reason: refused.Reason, Detail: refused.Detail,
		Source: refused.Source, EventID: refused.EventID,
		Original: append([]byte{}, refused.Original...), // not nil: it is known
	}
}
