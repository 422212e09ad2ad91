package marketplacer

import (
	"encoding/base64"
	"strings"
	"testing"
)

func TestIDsHaveOneSpelling(t *testing.T) {
	if id := sellerID("660119"); id != "U2VsbGVyLTY2MDExOQ==" {
		t.Errorf("%s", id)
	}
	if seller, ok := decodeSeller("U2VsbGVyLTY2MDExOQ=="); !ok || seller != "660119" {
		t.Errorf("%q, %v", seller, ok)
	}
	chat := "0b6f4b2e-7c1e-4a53-9d52-0d7a4c9b1e10"
	kind, rest, ok := decodeID(messageID(chat, "a-b"))
	of, id, whole := splitMessage(rest)
	if !ok || !whole || kind != typeMessage || of != chat || id != "a-b" {
		t.Errorf("%s %s %s", kind, of, id)
	}
	for name, text := range map[string]string{
		"empty": "", "without padding": "U2VsbGVyLTY2MDExOQ", "line break": "U2VsbGVy\nLTY2MDExOQ==", "loose bits": "U2VsbGVyLTY2MDExOR==",
		"plain": "660119", "another type": base64.StdEncoding.EncodeToString([]byte("Advert-1")), "no id": base64.StdEncoding.EncodeToString([]byte("Seller-")),
		"long": base64.StdEncoding.EncodeToString([]byte("Seller-" + strings.Repeat("1", 2000))), "zero byte": base64.StdEncoding.EncodeToString([]byte("Seller-\x00")),
	} {
		if seller, ok := decodeSeller(text); ok {
			t.Errorf("%s: %q names %q", name, text, seller)
		}
	}
}
