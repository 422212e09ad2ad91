package projector

import (
	"github.com/parley-analytics/parley/schema"
)

// judgeRejected reads an entry of the log of what was refused at the edge.
func judgeRejected(entry schema.Entry) (schema.Record, *Rejection) {
	r := schema.Record{Sequence: entry.Sequence, ReceivedAt: schema.TimestampOf(entry.ReceivedAt)}
	return r, rejection(LogRejected, r, &schema.Error{Code: schema.CodeInvalidJSON, Rule: "must be an envelope of a rejected event"})
}
