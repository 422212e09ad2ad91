package eventlog

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
)

// attributePrefix marks the attributes of an event in binary mode.
const attributePrefix = "ce-"

// structuredOf returns a message in the structured form of CloudEvents. Any
// NATS client may publish to a stream, also in the binary mode of the NATS
// binding (attributes in headers named ce-…, data as the payload): that is
// converted here, the same way each time, so that every reader of a log has one
// form to judge. What is not an event in binary mode stays as it is.
func structuredOf(header nats.Header, payload []byte) []byte {
	if len(header) == 0 {
		return payload
	}
	attributes := make(map[string]string)
	contentType := ""
	for name, values := range header {
		lower := strings.ToLower(name)
		if lower == "content-type" && len(values) > 0 {
			contentType = values[0]
		}
		attribute, ok := strings.CutPrefix(lower, attributePrefix)
		if !ok {
			continue
		}
		if _, twice := attributes[attribute]; twice || len(values) != 1 {
			return payload // which one counts nobody can say
		}
		attributes[attribute] = decodedHeader(values[0])
	}
	if attributes["specversion"] == "" || strings.HasPrefix(strings.ToLower(contentType), "application/cloudevents") {
		return payload
	}
	for _, reserved := range []string{"data", "data_base64", "datacontenttype"} {
		delete(attributes, reserved) // no attributes in this mode
	}
	if contentType != "" {
		attributes["datacontenttype"] = contentType
	}
	names := make([]string, 0, len(attributes))
	for name := range attributes {
		names = append(names, name)
	}
	slices.Sort(names)

	var event bytes.Buffer
	event.Grow(512 + len(payload))
	event.WriteByte('{')
	for _, name := range names {
		writeJSON(&event, name)
		event.WriteByte(':')
		writeJSON(&event, attributes[name])
		event.WriteByte(',')
	}
	event.WriteString(`"data":`)
	switch data := bytes.TrimSpace(payload); {
	case len(data) == 0:
		event.WriteString("null")
	case json.Valid(data):
		event.Write(data)
	default: // judged as what it is: no object
		writeJSON(&event, string(payload))
	}
	event.WriteByte('}')
	return event.Bytes()
}

// decodedHeader undoes the percent-encoding that the binding asks for; what is
// not encoded that way is used as it is.
func decodedHeader(value string) string {
	if decoded, err := url.PathUnescape(value); err == nil && utf8.ValidString(decoded) {
		return decoded
	}
	return value
}

func writeJSON(out *bytes.Buffer, text string) {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(strings.ToValidUTF8(text, "\uFFFD")) // text into memory
	out.Truncate(out.Len() - 1)                             // without the line break
}
