package schema

import (
	"bytes"
	"encoding/json"
	"time"
)

// canaryPrefix begins every canary. Its project is one that no credential can name and no sender can use.
const canaryPrefix = `{"specversion":"1.0","source":"parley:canary","projectid":0,`

// Canary returns an entry of the log of events that measures how soon an accepted event is visible: the beginning of a conversation
// that is in no table. Whoever reads the log passes over it ([IsCanary]).
func Canary(id string, now time.Time) []byte {
	rest, _ := json.Marshal(map[string]any{ // texts only
		"id": id, "type": "parley.conversation.opened.v1", "subject": "00000000-0000-8000-8000-000000000000",
		"time": now.UTC().Format(time.RFC3339Nano), "data": map[string]string{"channel": "CHAT"},
	})
	return append([]byte(canaryPrefix), rest[1:]...)
}

// CanaryKey is the key of a canary, for its id in the log.
func CanaryKey(id string) EventKey { return EventKey{Source: "parley:canary", ID: id} }

// IsCanary reports whether an entry of the log of events is a canary.
func IsCanary(payload []byte) bool { return bytes.HasPrefix(payload, []byte(canaryPrefix)) }
