package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// binaryPrefix is the prefix, in any case, of the headers with the attributes of an event in binary mode.
const binaryPrefix = "ce-"

// Binary is a message in the binary mode of CloudEvents, over HTTP or NATS: the
// attributes of the event are headers named ce-…, its data is the body.
type Binary struct {
	attributes  map[string][]string // name in lower case, without the prefix
	contentType string
	data        []byte
}

// BinaryOf reads the headers and the body of a message.
func BinaryOf(headers map[string][]string, body []byte) Binary {
	b := Binary{data: body}
	for name, values := range headers {
		lower := strings.ToLower(name)
		if lower == "content-type" && len(values) > 0 {
			b.contentType = values[0]
		}
		attribute, ok := strings.CutPrefix(lower, binaryPrefix)
		if !ok {
			continue
		}
		if b.attributes == nil {
			b.attributes = make(map[string][]string)
		}
		b.attributes[attribute] = append(b.attributes[attribute], values...)
	}
	return b
}

// Has reports whether a header sets one of the attributes.
func (b *Binary) Has(attributes ...string) bool {
	return slices.ContainsFunc(attributes, func(name string) bool {
		return slices.ContainsFunc(b.attributes[name], func(value string) bool { return value != "" })
	})
}

// IsStructured reports whether the content type means that the body holds a whole event, or
// several, so that the headers are ignored.
func (b *Binary) IsStructured() bool {
	return strings.HasPrefix(strings.ToLower(b.contentType), "application/cloudevents")
}

// BinaryRules determine what happens to a message in binary mode that breaks a rule.
type BinaryRules int

const (
	// BinaryStrict refuses it, because the sender can be notified.
	BinaryStrict BinaryRules = iota
	// BinaryLenient is for messages that are already in a log. It converts as much as possible, so
	// that [Decode] validates them like every other event: attributes that cannot be decoded are
	// used as written, data that is not JSON becomes a string, and headers that are not attributes
	// in this mode are left out.
	BinaryLenient
)

// Errors of [Binary.Structured].
var (
	// ErrBinaryData is the error of data that is not JSON. Strict only.
	ErrBinaryData = errors.New("the body is not valid JSON")
	// ErrBinaryRepeated is the error of an attribute that was given more than once:
	// which value counts is unknown.
	ErrBinaryRepeated = errors.New("must be given once")
)

// Structured returns the event in the structured mode: attributes and extensions
// as strings in order of their names, then the data, null if there is none. The same message always
// yields the same bytes.
func (b *Binary) Structured(rules BinaryRules) ([]byte, error) {
	data := bytes.Trim(b.data, " \t\r\n")
	valid := len(data) == 0 || json.Valid(data)
	if !valid && rules == BinaryStrict {
		return nil, ErrBinaryData
	}
	var event bytes.Buffer
	event.Grow(512 + len(data))
	event.WriteByte('{')
	contentType := b.contentType != ""
	for _, name := range slices.Sorted(maps.Keys(b.attributes)) {
		if len(b.attributes[name]) != 1 {
			return nil, fmt.Errorf("header %s%s: %w", binaryPrefix, name, ErrBinaryRepeated)
		}
		if name == "data" || name == "data_base64" || name == "datacontenttype" {
			if rules == BinaryStrict {
				return nil, fmt.Errorf("header %s%s: is not a valid attribute in binary mode", binaryPrefix, name)
			}
			continue
		}
		written := b.attributes[name][0]
		value, ok := decodeHeader(written)
		switch {
		case ok:
		case rules == BinaryStrict:
			return nil, fmt.Errorf("header %s%s: must be UTF-8 with percent-encoding", binaryPrefix, name)
		default:
			value = written
		}
		if contentType && name > "datacontenttype" {
			writeMember(&event, "datacontenttype", b.contentType)
			contentType = false
		}
		writeMember(&event, name, value)
	}
	if contentType {
		writeMember(&event, "datacontenttype", b.contentType)
	}
	event.WriteString(`"data":`)
	switch {
	case len(data) == 0:
		event.WriteString("null")
	case valid:
		event.Write(data)
	default:
		writeString(&event, string(b.data))
	}
	event.WriteByte('}')
	return event.Bytes(), nil
}

// decodeHeader reads a header value as the bindings of CloudEvents write it:
// surrounding quotes are removed, then %XX is decoded, once.
func decodeHeader(value string) (string, bool) {
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		value = unquote(value[1 : len(value)-1])
	}
	decoded, err := url.PathUnescape(value)
	return decoded, err == nil && utf8.ValidString(decoded)
}

func unquote(value string) string {
	var out strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] == '\\' && i+1 < len(value) {
			i++
		}
		out.WriteByte(value[i])
	}
	return out.String()
}

func writeMember(event *bytes.Buffer, name, value string) {
	writeString(event, name)
	event.WriteByte(':')
	writeString(event, value)
	event.WriteByte(',')
}

func writeString(event *bytes.Buffer, text string) {
	event.Write(bytes.TrimSuffix(marshal(strings.ToValidUTF8(text, "\uFFFD")), []byte("\n")))
}
