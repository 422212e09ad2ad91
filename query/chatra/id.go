package chatra

import (
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/parley-analytics/parley/schema"
)

// shortLength is the length of the ids of messages, chats and agents.
const shortLength = 17

const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// short derives an id of 17 letters and digits from strings: 101 bits of SHA-256.
func short(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	n, digit, base := new(big.Int).SetBytes(sum[:]), new(big.Int), big.NewInt(int64(len(letters)))
	var id [shortLength]byte
	for i := range id {
		n.DivMod(n, base, digit)
		id[i] = letters[digit.Int64()]
	}
	return string(id[:])
}

// digest distinguishes requests.
func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// namespace is that of the conversation ids, itself a UUID of version 5.
var namespace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://chatra.com/#rest-conversations-of-parley"))

// conversationID returns the id of a conversation that a message begins, derived from the number of
// earlier ones of the client.
func conversationID(project schema.ProjectID, client string, before uint64) schema.ConversationID {
	name := strconv.Itoa(int(project)) + "\n" + strconv.FormatUint(before, 10) + "\n" + client
	return schema.ConversationID(uuid.NewSHA1(namespace, []byte(name)).String())
}
