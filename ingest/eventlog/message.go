package eventlog

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

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

// MessageID is the message id of an event: 128 bits of SHA-256 over the key, in
// 22 characters. A cryptographic hash, because the parts of the key are chosen
// by senders and a collision would drop another sender's event.
func MessageID(key schema.EventKey) string {
	// Lengths go in front, so that no two keys have the same input.
	buffer := make([]byte, 0, 128)
	buffer = binary.LittleEndian.AppendUint32(buffer, uint32(key.Project))
	buffer = binary.LittleEndian.AppendUint32(buffer, uint32(len(key.Source)))
	buffer = append(buffer, key.Source...)
	buffer = append(buffer, key.ID...)
	sum := sha256.Sum256(buffer)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
