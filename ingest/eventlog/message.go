package eventlog

import (
	"encoding/base64"

	"github.com/parley-analytics/parley/schema"
)

// Message is a message to append. The stream recognises duplicates by ID, see [MessageID]; a
// message without ID is never a duplicate.
type Message struct {
	ID      string
	Payload []byte
}

// Receipt is the position of a message in the log. Duplicate means that it was there before, under
// Sequence, and was not stored again.
type Receipt struct {
	Sequence  schema.Sequence
	Duplicate bool
}

// MessageID is the message id of an event: the hash of its key in 22 characters.
func MessageID(key schema.EventKey) string {
	hash := key.Hash()
	return base64.RawURLEncoding.EncodeToString(hash[:])
}
