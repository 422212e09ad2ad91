package schema

import (
	"bytes"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth is how deeply objects and arrays of an event may nest, the event
// itself and unknown members included.
const MaxDepth = 64

// scanner reads JSON from a slice of bytes, one value at a time and without
// looking back. It replaces encoding/json for three reasons: the text of
// a number is needed as written (money never passes through a float, and
// "1.00000" is refused where "1.0000" is not), a member that is null counts as
// absent at every level, and reflection over a map costs several times the
// rest of the pipeline.
//
// It agrees with json.Valid on what JSON is, with two stricter points: strings
// must be UTF-8 (as RFC 8259 asks), and values nest at most MaxDepth deep. A
// surrogate escape without its other half (`\ud83d`) is read as U+FFFD, as
// encoding/json does it.
//
// The first fault stops the scan: it is kept, and every method then behaves as at the end of the
// input. So callers check fault once, at the end.
type scanner struct {
	buf     []byte
	pos     int
	depth   int
	fresh   bool // no member or element of the innermost object or array has been read yet
	fault   *Error
	scratch []byte // room to undo escapes in
}

// stringClass marks the bytes that a scan over a string stops at: the quote,
// the backslash and the control characters.
var stringClass = func() (class [256]bool) {
	for c := range 0x20 {
		class[c] = true
	}
	class['"'], class['\\'] = true, true
	return class
}()

// fail keeps the first fault with its position and ends the scan.
func (s *scanner) fail(rule string) {
	if s.fault == nil {
		s.fault = &Error{Code: CodeInvalidJSON, Rule: rule + " (at byte " + strconv.Itoa(s.pos) + ")"}
	}
	s.pos = len(s.buf)
}

// The rules that a fault can name.
const (
	ruleJSON  = "must be valid JSON"
	ruleUTF8  = "must be valid JSON: strings are UTF-8"
	ruleDepth = "must not nest deeper than 64 levels"
)

// peek moves to the next token and returns its first byte; 0 at the end.
func (s *scanner) peek() byte {
	for ; s.pos < len(s.buf); s.pos++ {
		switch c := s.buf[s.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// enter goes into an object or an array; peek has returned its first byte.
func (s *scanner) enter() {
	if s.depth++; s.depth > MaxDepth {
		s.fail(ruleDepth)
		return
	}
	s.pos++
	s.fresh = true
}

// key reads the name of the innermost object's next member and the colon. At
// the object's end it leaves the object and returns false, after a fault too.
// The name is good until the next call of any method.
func (s *scanner) key() (name []byte, more bool) {
	fresh := s.fresh
	s.fresh = false
	switch c := s.peek(); {
	case s.fault != nil:
		return nil, false
	case c == '}':
		s.pos++
		s.depth--
		return nil, false
	case fresh:
	case c == ',':
		s.pos++
	default:
		s.fail(ruleJSON)
		return nil, false
	}
	if s.peek() != '"' {
		s.fail(ruleJSON)
		return nil, false
	}
	name, plain := s.str()
	if !plain {
		name = s.unescape(name)
	}
	if s.peek() != ':' {
		s.fail(ruleJSON)
		return nil, false
	}
	s.pos++
	return name, s.fault == nil
}

// skip reads one value of any kind, checking its syntax.
func (s *scanner) skip() {
	switch c := s.peek(); c {
	case '"':
		s.str()
	case '{':
		s.enter()
		for {
			if _, more := s.key(); !more {
				return
			}
			s.skip()
		}
	case '[':
		for s.enter(); s.element(); {
			s.skip()
		}
	case 't', 'f', 'n':
		s.literal()
	default:
		s.number()
	}
}

// element goes to the innermost array's next element. At the array's end it
// leaves the array and returns false, after a fault too.
func (s *scanner) element() bool {
	fresh := s.fresh
	s.fresh = false
	switch c := s.peek(); {
	case s.fault != nil:
		return false
	case c == ']':
		s.pos++
		s.depth--
		return false
	case fresh:
	case c == ',':
		s.pos++
		if s.peek() == ']' {
			s.fail(ruleJSON)
			return false
		}
	default:
		s.fail(ruleJSON)
		return false
	}
	return true
}

// literal reads true, false or null and returns its text; peek has returned its
// first letter.
func (s *scanner) literal() string {
	rest := s.buf[s.pos:]
	for _, word := range [...]string{"null", "true", "false"} {
		if len(rest) >= len(word) && string(rest[:len(word)]) == word {
			s.pos += len(word)
			return word
		}
	}
	s.fail(ruleJSON)
	return ""
}

// number reads a number and returns its text as written. It is called when a value is of no other
// kind, so it fails if there is no number.
func (s *scanner) number() []byte {
	i, buf := s.pos, s.buf
	digits := func() bool {
		start := i
		for i < len(buf) && isDigit(buf[i]) {
			i++
		}
		return i > start
	}
	if i < len(buf) && buf[i] == '-' {
		i++
	}
	good := true
	if i < len(buf) && buf[i] == '0' {
		i++
	} else {
		good = digits()
	}
	if good && i < len(buf) && buf[i] == '.' {
		i++
		good = digits()
	}
	if good && i < len(buf) && buf[i]|0x20 == 'e' {
		i++
		if i < len(buf) && (buf[i] == '+' || buf[i] == '-') {
			i++
		}
		good = digits()
	}
	text := buf[s.pos:i]
	s.pos = i
	if !good {
		s.fail(ruleJSON)
		return nil
	}
	return text
}

// str reads a string and returns what is between its quotes, as written; plain
// is true if there is no escape in it. peek has returned the quote.
func (s *scanner) str() (raw []byte, plain bool) {
	var (
		buf   = s.buf
		start = s.pos + 1
		i     = start
		all   byte // the bits of every byte: the top one marks non-ASCII
	)
	plain = true
	for {
		for i < len(buf) && !stringClass[buf[i]] {
			all |= buf[i]
			i++
		}
		s.pos = i
		if i == len(buf) {
			s.fail(ruleJSON)
			return nil, true
		}
		if buf[i] == '"' {
			break
		}
		n := escapeLen(buf[i:])
		if n == 0 {
			s.fail(ruleJSON)
			return nil, true
		}
		plain = false
		i += n
	}
	raw = buf[start:i]
	if all >= utf8.RuneSelf && !utf8.Valid(raw) {
		s.fail(ruleUTF8)
		return nil, true
	}
	s.pos = i + 1
	return raw, plain
}

// escapeLen returns the length of the escape that b begins with, 0 when there is
// no valid one.
func escapeLen(b []byte) int {
	if len(b) < 2 || b[0] != '\\' {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) < 6 {
			return 0
		}
		for _, c := range b[2:6] {
			if hexDigit(c) < 0 {
				return 0
			}
		}
		return 6
	}
	return 0
}

// unescape undoes the escapes of a string that str has read. The result is
// good until the next call.
func (s *scanner) unescape(raw []byte) []byte {
	out := slices.Grow(s.scratch[:0], len(raw)) // escapes are longer than what they encode
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			out = append(out, raw...)
			break
		}
		out = append(out, raw[:i]...)
		raw = raw[i:]
		if raw[1] != 'u' {
			out = append(out, unescaped(raw[1]))
			raw = raw[2:]
			continue
		}
		r := unicodeEscape(raw)
		raw = raw[6:]
		if utf16.IsSurrogate(r) {
			if r = utf16.DecodeRune(r, unicodeEscape(raw)); r != utf8.RuneError {
				raw = raw[6:]
			}
		}
		out = utf8.AppendRune(out, r)
	}
	s.scratch = out
	return out
}

// unescaped returns the character that the letter after a backslash encodes.
func unescaped(letter byte) byte {
	switch letter {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return letter // the quote, the backslash and the slash
}

// unicodeEscape returns the UTF-16 unit of the \u escape that b begins with, -1
// when b begins with something else.
func unicodeEscape(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range b[2:6] {
		r = r<<4 | hexDigit(c)
	}
	return r
}

// hexDigit returns the value of a hexadecimal digit, -1 if c is not one.
func hexDigit(c byte) rune {
	switch {
	case isDigit(c):
		return rune(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10
	}
	return -1
}

func isDigit(c byte) bool { return c-'0' <= 9 }
