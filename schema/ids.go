package schema

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// ProjectID names a site or brand. Valid ids are 1..[MaxProjectID].
type ProjectID uint32

// MaxProjectID is the highest project id: the largest GraphQL Int.
const MaxProjectID ProjectID = 1<<31 - 1

// ParseProjectID reads the decimal digits of a project id. The error is an [*Error]
// without a field.
func ParseProjectID(text string) (ProjectID, error) {
	n, ok := parseDigits(text)
	if !ok || n < 1 || n > uint64(MaxProjectID) {
		return 0, &Error{Code: CodeInvalid, Rule: "must be an integer from 1 to 2147483647"}
	}
	return ProjectID(n), nil
}

// ConversationID is a UUID in the 36-character form, in lower case.
type ConversationID string

// OperatorID names an agent, expert or bot: 1..2^53-1, so that it is exact as a
// JSON number.
type OperatorID int64

// Sequence is an event's number in the log: the number of its record, times RecordEvents, plus its
// index in the record. Numbers ascend, with gaps; 0 means "before the first". In the part of a log
// that a version without records wrote, it is the number of the message.
type Sequence uint64

// RecordEvents is the number of events that a record of the log may hold.
const RecordEvents = 4096

// ConversationKey names a conversation: ids are unique inside a project only.
type ConversationKey struct {
	Project      ProjectID
	Conversation ConversationID
}

// EventKey names an event. A second event with the same key changes nothing;
// where contents differ, the one with the lowest log sequence counts.
type EventKey struct {
	Project ProjectID
	Source  string
	ID      string
}

// Hash identifies an event in the log and in the tables: 128 bits of SHA-256
// over the key. The hash is cryptographic because senders choose the parts of the key, and a
// collision would drop another sender's event.
func (k EventKey) Hash() [16]byte {
	// The length prefix ensures that no two keys have the same input.
	b := make([]byte, 0, 128)
	b = binary.LittleEndian.AppendUint32(b, uint32(k.Project))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(k.Source)))
	b = append(b, k.Source...)
	b = append(b, k.ID...)
	sum := sha256.Sum256(b)
	return [16]byte(sum[:])
}

// Timestamp is a moment in Unix milliseconds, UTC: the resolution at which
// events are ordered and stored.
type Timestamp int64

// TimestampOf cuts t to the millisecond.
func TimestampOf(t time.Time) Timestamp { return Timestamp(t.UnixMilli()) }

// Time returns the moment as a time.Time in UTC.
func (t Timestamp) Time() time.Time { return time.UnixMilli(int64(t)).UTC() }

// String writes the moment in RFC 3339 with exactly three digits of a second.
func (t Timestamp) String() string { return t.Time().Format("2006-01-02T15:04:05.000Z") }

// Amount is money in ten-thousandths of a currency unit: exactly the values of
// ClickHouse's Decimal(18,4). Never convert it through a binary float.
type Amount int64

// Currency is an ISO 4217 code: three capital letters.
type Currency string
