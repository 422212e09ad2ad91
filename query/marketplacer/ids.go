package marketplacer

import (
	"encoding/base64"
	"strings"

	"github.com/parley-analytics/parley/schema"
)

// The names of types in ids: an id is base64 of "Seller-<id>" or of
// "ChatMessage-<chat>-<id>", the chat in the 36-character form.
const (
	typeSeller  = "Seller"
	typeMessage = "ChatMessage"
	chatLength  = 36
)

func sellerID(id string) string { return encodeID(typeSeller, id) }

func messageID(chat, id string) string { return encodeID(typeMessage, chat+"-"+id) }

func encodeID(kind, id string) string {
	return encode([]byte(kind + "-" + id))
}

// decodeID takes an id apart. An id has one spelling.
func decodeID(text string) (kind, id string, ok bool) {
	if len(text) > 2*(schema.MaxIDBytes+chatLength+len(typeMessage)) {
		return "", "", false
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || encode(raw) != text {
		return "", "", false
	}
	kind, id, ok = strings.Cut(string(raw), "-")
	return kind, id, ok && id != "" && !strings.ContainsRune(id, 0)
}

func encode(raw []byte) string { return base64.StdEncoding.EncodeToString(raw) }

// decodeSeller returns the seller that an id names.
func decodeSeller(text string) (id string, ok bool) {
	kind, id, ok := decodeID(text)
	return id, ok && kind == typeSeller
}

// splitMessage takes what follows the type in a message's id apart.
func splitMessage(text string) (chat, id string, ok bool) {
	if len(text) < chatLength+2 || text[chatLength] != '-' {
		return "", "", false
	}
	return text[:chatLength], text[chatLength+1:], true
}
