package ingest

import (
	"bytes"
	"errors"

	"github.com/parley-analytics/parley/schema"
)

// Errors of a whole body.
var (
	errUnreadable = errors.New("the body is not valid JSON")
	errNoEvent    = errors.New("the body contains no event")
	errTooMany    = errors.New("the body contains more than 10000 events")
)

// splitLines splits NDJSON into lines, without surrounding white space. Blank lines do not count.
func splitLines(body []byte) ([][]byte, error) {
	var events [][]byte
	for len(body) > 0 {
		line := body
		if end := bytes.IndexByte(body, '\n'); end >= 0 {
			line, body = body[:end], body[end+1:]
		} else {
			body = nil
		}
		if line = trimSpace(line); len(line) == 0 {
			continue
		}
		if len(events) == schema.MaxRequestEvents {
			return nil, errTooMany
		}
		events = append(events, line)
	}
	if len(events) == 0 {
		return nil, errNoEvent
	}
	return events, nil
}

// splitArray splits a JSON array into its elements, byte for byte. It checks only the structure: if
// all elements are valid JSON, so is the body.
func splitArray(body []byte) ([][]byte, error) {
	body = trimSpace(body)
	if len(body) < 2 || body[0] != '[' || body[len(body)-1] != ']' {
		return nil, errUnreadable
	}
	var events [][]byte
	at := skipSpace(body, 1)
	if body[at] == ']' {
		if at != len(body)-1 {
			return nil, errUnreadable
		}
		return nil, errNoEvent
	}
	for {
		end := skipValue(body, at)
		if end == at || end >= len(body) {
			return nil, errUnreadable
		}
		if len(events) == schema.MaxRequestEvents {
			return nil, errTooMany
		}
		events = append(events, body[at:end])
		at = skipSpace(body, end)
		switch {
		case at == len(body)-1 && body[at] == ']':
			return events, nil
		case at < len(body)-1 && body[at] == ',':
			at = skipSpace(body, at+1)
		default:
			return nil, errUnreadable
		}
	}
}

// skipValue returns the end of the JSON value that begins at a position; the position itself if none does.
func skipValue(b []byte, at int) int {
	if at >= len(b) {
		return at
	}
	switch b[at] {
	case '"':
		return skipString(b, at)
	case '{', '[':
	default:
		end := at
		for end < len(b) && b[end] != ',' && b[end] != ']' && b[end] != '}' && !isSpace(b[end]) {
			end++
		}
		return end
	}
	depth := 0
	for i := at; i < len(b); i++ {
		switch b[i] {
		case '"':
			i = skipString(b, i) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(b)
}

// skipString returns the end of the string whose opening quote is at a position.
func skipString(b []byte, at int) int {
	begin := at + 1
	for i := begin; ; {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return len(b)
		}
		i += n + 1
		// The quote ends the string unless an odd number of backslashes precedes it.
		slashes := 0
		for j := i - 2; j >= begin && b[j] == '\\'; j-- {
			slashes++
		}
		if slashes%2 == 0 {
			return i
		}
	}
}

func skipSpace(b []byte, at int) int {
	for at < len(b) && isSpace(b[at]) {
		at++
	}
	return at
}

func trimSpace(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// isSpace reports whether a byte is JSON white space.
func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }
