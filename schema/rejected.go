package schema

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// MaxRejectedBytes is the maximum size of the kept part of a rejected event. In base64 it fits into
// a message of 1 MiB, which every broker accepts.
const MaxRejectedBytes = 512 << 10

// Rejected is a message of the log of rejected events: what was refused at the
// edge, and why. Project, Source and EventID are zero if they could not be
// read.
type Rejected struct {
	Reason     Code      `json:"reason"`
	Detail     string    `json:"detail"` // field and rule, never the value
	Project    ProjectID `json:"projectId,omitempty"`
	Source     string    `json:"source,omitempty"`
	EventID    string    `json:"eventId,omitempty"`
	ReceivedAt time.Time `json:"receivedAt"`
	// Original is the event as received, in base64, because it may be neither JSON nor text. If
	// Size is larger than its length, it is the beginning of an event of that many bytes.
	Original []byte `json:"original"`
	Size     int    `json:"size"`
	// Whole identifies a payload that is larger than one message and therefore kept in several, in
	// order: it is the same in all of them. Empty otherwise.
	Whole string `json:"whole,omitempty"`
}

// Truncated means that only the beginning of the event was kept.
func (r *Rejected) Truncated() bool { return r.Size > len(r.Original) }

// maxRejectedName is the maximum length of a kept source or event id, in bytes.
const maxRejectedName = 4 << 10

// EncodeRejected writes the message. It keeps the first MaxRejectedBytes of
// Original and the first 4 KiB of Source and EventID, and sets Size if it is 0.
func EncodeRejected(r Rejected) []byte {
	r.Source = strings.ToValidUTF8(r.Source[:min(len(r.Source), maxRejectedName)], "")
	r.EventID = strings.ToValidUTF8(r.EventID[:min(len(r.EventID), maxRejectedName)], "")
	r.Size = max(r.Size, len(r.Original))
	r.Original = r.Original[:min(len(r.Original), MaxRejectedBytes)]
	r.ReceivedAt = r.ReceivedAt.UTC()
	payload, err := json.Marshal(r)
	if err != nil {
		panic(err) // strings, numbers and bytes always encode
	}
	return payload
}

// DecodeRejected reads what EncodeRejected wrote. Clients may publish to the log themselves, so a
// message may be something else; then it returns an error.
func DecodeRejected(payload []byte) (Rejected, error) {
	var r Rejected
	if err := json.Unmarshal(payload, &r); err != nil {
		return Rejected{}, fmt.Errorf("a message of the rejected log: %w", err)
	}
	if r.Reason == "" {
		return Rejected{}, fmt.Errorf("a message of the rejected log: reason is missing")
	}
	return r, nil
}
