package eventlog

import (
	"github.com/nats-io/nats.go"

	"github.com/parley-analytics/parley/schema"
)

// structuredOf returns a message in the structured form of CloudEvents. Any NATS client may publish
// to a stream, also in the binary mode of the NATS binding: that is converted here, always in the
// same way, so that readers of a log see one form. A message is in binary mode when it has the
// header ce-specversion. A message that is not an event in binary mode is left unchanged, and so is
// one with an attribute given twice.
func structuredOf(header nats.Header, payload []byte) []byte {
	if len(header) == 0 {
		return payload
	}
	message := schema.BinaryOf(header, payload)
	if !message.Has("specversion") || message.IsStructured() {
		return payload
	}
	event, err := message.Structured(schema.BinaryLenient)
	if err != nil {
		return payload
	}
	return event
}
