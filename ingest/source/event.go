package source

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"github.com/parley-analytics/parley/schema"
)

// Event is one event to be written.
type Event struct {
	ID           string
	Source       string
	Type         schema.Type
	Time         schema.Timestamp
	Conversation schema.ConversationID
	Project      schema.ProjectID
	Sequence     int // order within one instant; 0 for none
	Data         any // written by encoding/json
}

// envelope holds the members in the order in which they are written.
type envelope struct {
	SpecVersion string           `json:"specversion"`
	ID          string           `json:"id"`
	Source      string           `json:"source"`
	Type        schema.Type      `json:"type"`
	Time        string           `json:"time"`
	Subject     string           `json:"subject"`
	ProjectID   schema.ProjectID `json:"projectid"`
	Sequence    string           `json:"sequence,omitempty"`
	ContentType string           `json:"datacontenttype"`
	Data        any              `json:"data"`
}

// Encode writes the structured form on one line. The same event always has the same bytes.
func (e *Event) Encode() []byte {
	out := envelope{
		SpecVersion: "1.0", ID: e.ID, Source: e.Source, Type: e.Type, Time: e.Time.String(),
		Subject: string(e.Conversation), ProjectID: e.Project, ContentType: "application/json", Data: e.Data,
	}
	if e.Sequence > 0 {
		out.Sequence = strconv.Itoa(e.Sequence)
	}
	return bytes.TrimSuffix(marshal(out), []byte("\n"))
}

// Digest is a short stable name for a value: 64 bits of SHA-256 over its JSON.
func Digest(value any) string {
	sum := sha256.Sum256(marshal(value))
	return hex.EncodeToString(sum[:8])
}

// OperatorID derives an operator's id from a string: 53 stable bits, never 0.
func OperatorID(parts ...string) schema.OperatorID {
	h := sha256.New()
	for _, part := range parts {
		_ = binary.Write(h, binary.LittleEndian, uint32(len(part))) // never fails
		h.Write([]byte(part))
	}
	bits := binary.BigEndian.Uint64(h.Sum(nil)) >> 11
	return schema.OperatorID(max(1, bits))
}

// marshal writes JSON without the escapes that HTML needs.
func marshal(value any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // sources write strings, numbers and plain structs
	}
	return out.Bytes()
}

// Moment is a time as platforms write it: RFC 3339 (also with a space for the T, or an
// offset without the colon), or Unix milliseconds.
type Moment struct{ schema.Timestamp }

// UnmarshalJSON reads it, cut to the millisecond.
func (m *Moment) UnmarshalJSON(text []byte) error {
	var written string
	if json.Unmarshal(text, &written) != nil {
		var millis int64
		if err := json.Unmarshal(text, &millis); err != nil {
			return errMoment
		}
		m.Timestamp = schema.Timestamp(millis)
		return nil
	}
	at, err := schema.ParseMoment(asRFC3339(written))
	if err != nil {
		return errMoment
	}
	m.Timestamp = schema.TimestampOf(at)
	return nil
}

// asRFC3339 writes the forms of time that platforms use in that of RFC 3339.
func asRFC3339(written string) string {
	if date := len(time.DateOnly); len(written) > date && written[date] == ' ' {
		written = written[:date] + "T" + written[date+1:]
	}
	if sign := len(written) - len("+0100"); sign > len(time.DateTime)-1 && (written[sign] == '+' || written[sign] == '-') {
		written = written[:sign+3] + ":" + written[sign+3:]
	}
	return written
}
