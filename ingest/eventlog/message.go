package eventlog

import (
	"encoding/base64"

	"github.com/parley-analytics/parley/schema"
)

// Message is something to append. ID is what the stream recognises a repeat
// by, see [MessageID]; without one a message is never a repeat.
type Message struct {
	ID      string
	Payload []byte
}

// Receipt is the place of a message in the log. Duplicate: it was there before,
// under Sequence, and was not stored again.
type Receipt struct {
	Sequence  schema.Sequence
	Duplicate bool
}

// MessageID is the message id of an event: the hash of its key in 22 characters.
func MessageID(key schema.EventKey) string {
	hash := key.Hash()
	return base64.RawURLEncoding.EncodeToString(hash[:])
}
