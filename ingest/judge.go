package ingest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/schema"
)

// Rejected is a refused event in an answer. ID is null if it
// could not be read.
type Rejected struct {
	Index   int         `json:"index"` // from 0; blank NDJSON lines do not count
	ID      *string     `json:"id"`
	Code    schema.Code `json:"code"`
	Message string      `json:"message"`
}

// verdict is the decision about a request before anything is stored.
type verdict struct {
	valid    []eventlog.Message
	rejected []Rejected
	kept     []eventlog.Message // for the rejected log
}

// judge validates each event. whole means that the events are parts of one JSON text, so that a
// broken one invalidates all: then the error is errUnreadable.
func judge(events [][]byte, caller *schema.Caller, taken time.Time, whole bool) (verdict, error) {
	v := verdict{valid: make([]eventlog.Message, 0, len(events)), rejected: []Rejected{}}
	for i, raw := range events {
		event, refusal := schema.Decode(raw, taken)
		if refusal != nil && refusal.Code == schema.CodeInvalidJSON && whole && !json.Valid(raw) {
			return verdict{}, errUnreadable
		}
		if event.Project != 0 && !caller.Projects.Contains(event.Project) {
			// Checked first, and not stored: it belongs to another project.
			v.reject(i, event.ID, &schema.Error{
				Code: schema.CodeForbiddenProject, Field: "projectid", Rule: "must be a project of the caller",
			})
			continue
		}
		if refusal != nil {
			v.reject(i, event.ID, refusal)
			v.kept = append(v.kept, eventlog.Message{
				ID: randomID(), JSON: true, Time: taken,
				Payload: schema.EncodeRejected(schema.Rejected{
					Reason: refusal.Code, Detail: refusal.Message(),
					Project: event.Project, Source: event.Source, EventID: event.ID,
					ReceivedAt: taken, Original: raw,
				}),
			})
			continue
		}
		if event.Marked() {
			raw = schema.Unmarked(raw)
		}
		v.valid = append(v.valid, eventlog.Message{ID: eventlog.MessageID(event.Key()), Payload: raw, JSON: true, Time: event.Time.Time()})
	}
	return v, nil
}

func (v *verdict) reject(index int, id string, refusal *schema.Error) {
	r := Rejected{Index: index, Code: refusal.Code, Message: refusal.Message()}
	if id != "" {
		r.ID = &id
	}
	v.rejected = append(v.rejected, r)
}

// randomID names a message of the rejected log: each rejection is stored, even of the same bytes.
// The id only serves to determine the outcome of an append.
func randomID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(id[:])
}
