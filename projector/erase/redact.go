package erase

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/parley-analytics/parley/schema"
)

// aliasPrefix begins every id that replaces an erased visitor's.
const aliasPrefix = "erased-"

// redaction removes personal data from events. Within one redaction, a visitor id always gets the
// same alias, which is not stored anywhere.
type redaction struct{ aliases map[string]string }

func newRedaction() *redaction { return &redaction{aliases: map[string]string{}} }

// alias returns the id that replaces a visitor's. The alias of an alias is
// itself.
func (r *redaction) alias(id string) string {
	if isAlias(id) {
		return id
	}
	if r.aliases[id] == "" {
		var random [16]byte
		_, _ = rand.Read(random[:]) // never fails
		r.aliases[id] = aliasPrefix + hex.EncodeToString(random[:])
	}
	return r.aliases[id]
}

func isAlias(id string) bool {
	digits, begins := strings.CutPrefix(id, aliasPrefix)
	_, err := hex.DecodeString(digits)
	return begins && len(digits) == 32 && err == nil
}

// redact returns the event without personal data, and its bytes. The bytes contain the known
// members of the event's type that are not personal: unknown members and attributes are removed.
// Redacting a redacted event changes nothing.
func (r *redaction) redact(e schema.Event, received time.Time) (schema.Event, []byte, error) {
	switch data := e.Data.(type) {
	case *schema.Opened:
		opened := *data
		if data.Visitor != nil {
			opened.Visitor = &schema.Visitor{ID: r.alias(data.Visitor.ID)}
		}
		if data.CustomData != nil {
			opened.CustomData = []schema.CustomValue{}
		}
		e.Data = &opened
	case *schema.Message:
		message := *data
		message.Text = nil
		if data.VisitorID != nil {
			alias := r.alias(*data.VisitorID)
			message.VisitorID = &alias
		}
		e.Data = &message
	case *schema.Seller:
		seller := *data
		seller.EmailAddress, seller.Phone = nil, nil
		e.Data = &seller
	case *schema.Satisfaction:
		if data.Comment != nil {
			answered, empty := *data, "" // that there was one is a number
			answered.Comment = &empty
			e.Data = &answered
		}
	}
	payload := schema.Encode(&e)
	again, fault := schema.Decode(payload, received)
	if fault != nil {
		return e, nil, fmt.Errorf("a redacted %s does not decode: %w", e.Type, fault)
	}
	if !reflect.DeepEqual(again, e) {
		return e, nil, fmt.Errorf("a redacted %s decodes into another event", e.Type)
	}
	return e, payload, nil
}

// names reports whether an event names a visitor.
func names(e *schema.Event, visitor string) bool {
	switch data := e.Data.(type) {
	case *schema.Opened:
		return data.Visitor != nil && data.Visitor.ID == visitor
	case *schema.Message:
		return data.VisitorID != nil && *data.VisitorID == visitor
	case *schema.Customer:
		return data.ID == visitor
	}
	return false
}
