package ingest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// headerPrefix marks the attributes of an event in binary mode. Go writes
// header names in this form.
const headerPrefix = "Ce-"

// isBinary reports whether the request has an event in its headers.
func isBinary(h http.Header) bool {
	return h.Get("Ce-Specversion") != "" || h.Get("Ce-Id") != "" || h.Get("Ce-Type") != "" || h.Get("Ce-Source") != ""
}

// structured puts an event in binary mode into the structured form: attributes
// and extensions as strings, the body as data.
func structured(h http.Header, contentType string, body []byte) ([]byte, error) {
	body = trimSpace(body)
	if len(body) > 0 && !json.Valid(body) {
		return nil, errUnreadable
	}
	var names []string
	for name, values := range h {
		if !strings.HasPrefix(name, headerPrefix) {
			continue
		}
		if len(values) > 1 {
			return nil, fmt.Errorf("header %s: must be given once", name)
		}
		names = append(names, name)
	}
	slices.Sort(names) // the same request makes the same event

	event := bytes.NewBuffer(make([]byte, 0, 512+len(body)))
	event.WriteByte('{')
	for _, name := range names {
		attribute := strings.ToLower(name[len(headerPrefix):])
		if attribute == "data" || attribute == "data_base64" || attribute == "datacontenttype" {
			return nil, fmt.Errorf("header %s: is not a valid attribute in binary mode", name)
		}
		value, ok := decodeHeader(h.Get(name))
		if !ok {
			return nil, fmt.Errorf("header %s: must be UTF-8 with percent-encoding", name)
		}
		writeMember(event, attribute, value)
	}
	if contentType != "" {
		writeMember(event, "datacontenttype", contentType)
	}
	if len(body) > 0 {
		if event.Len() > 1 {
			event.WriteByte(',')
		}
		event.WriteString(`"data":`)
		event.Write(body)
	}
	event.WriteByte('}')
	return event.Bytes(), nil
}

func writeMember(event *bytes.Buffer, name, value string) {
	if event.Len() > 1 {
		event.WriteByte(',')
	}
	writeString(event, name)
	event.WriteByte(':')
	writeString(event, value)
}

func writeString(event *bytes.Buffer, text string) {
	encoder := json.NewEncoder(event)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text)        // valid UTF-8 into memory
	event.Truncate(event.Len() - 1) // without the line break
}

// decodeHeader reads a header value as the HTTP binding of CloudEvents writes
// it: quotes around it are taken off, then %XX is decoded, once.
func decodeHeader(value string) (string, bool) {
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		value = unquote(value[1 : len(value)-1])
	}
	if strings.IndexByte(value, '%') < 0 {
		return value, utf8.ValidString(value)
	}
	out := make([]byte, 0, len(value))
	for i := 0; i < len(value); i++ {
		if value[i] != '%' {
			out = append(out, value[i])
			continue
		}
		if i+2 >= len(value) {
			return "", false
		}
		high, low := hexDigit(value[i+1]), hexDigit(value[i+2])
		if high < 0 || low < 0 {
			return "", false
		}
		out = append(out, byte(high<<4|low))
		i += 2
	}
	return string(out), utf8.Valid(out)
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

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	default:
		return -1
	}
}
