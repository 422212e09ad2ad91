package embedded

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// holdStatement returns the statement with the settings in it clamped, or returns why it is refused: a setting that is not on the
// list, or one without a plain value. (`= DEFAULT` would remove the limit, and readonly too.) It
// checks every SETTINGS and SET, in subqueries as well: ClickHouse checks only the outermost. kill
// is true if the statement stops others.
func (f fence) holdStatement(statement string) (held string, kill bool, refused *refusal) {
	h := holder{fence: f, scanner: scanner{text: statement}}
	t := h.next()
	kill = t.isWord(statement, "KILL")
	for h.refused == nil && t.kind != tokenEnd {
		if t.isWord(statement, "SETTINGS") || t.isWord(statement, "SET") {
			t = h.holdList()
		} else {
			t = h.next()
		}
	}
	if h.refused != nil {
		return "", false, h.refused
	}
	h.out.WriteString(statement[h.copied:])
	return h.out.String(), kill, nil
}

// holder is the state of one holdStatement.
type holder struct {
	fence
	scanner
	out     strings.Builder
	copied  int   // of the text, to out
	last    token // that next returned
	refused *refusal
}

// next returns the next token, or the end if the text cannot be read.
func (h *holder) next() token {
	t, err := h.scanner.next()
	if err != "" {
		h.refused = &refusal{status: http.StatusBadRequest, code: codeSyntax, message: err}
		return token{kind: tokenEnd}
	}
	if (t.kind == tokenWord || t.kind == tokenName) && h.refused == nil {
		h.refused = h.holdWord(h.text[t.start:t.end])
	}
	if t.is(h.text, "(") && h.refused == nil {
		h.refused = h.holdFunction(h.last)
	}
	h.last = t
	return t
}

// holdWord refuses words that are not for this user, and names that may be one of them.
func (h *holder) holdWord(word string) *refusal {
	switch {
	case len(h.words) == 0:
	case strings.Contains(word, `\`):
		return &refusal{status: http.StatusBadRequest, code: codeSyntax, message: "a backslash is not accepted in a name"}
	case slices.Contains(h.words, strings.ToLower(strings.Trim(word, "`\""))):
		return &refusal{status: http.StatusForbidden, code: codeDenied, message: fmt.Sprintf("Not enough privileges: %s is not available to a user of some projects", word)}
	}
	return nil
}

// holdFunction refuses functions that act before their access right is checked, and names that only ClickHouse can parse.
func (h *holder) holdFunction(name token) *refusal {
	text := h.text[name.start:name.end]
	switch {
	case name.kind == tokenName && strings.Contains(text, `\`):
		return &refusal{status: http.StatusBadRequest, code: codeSyntax, message: "a backslash is not accepted in the name of a function"}
	case (name.kind == tokenName || name.kind == tokenWord) && slices.Contains(h.functions, strings.ToLower(strings.Trim(text, "`\""))):
		return &refusal{status: http.StatusForbidden, code: codeDenied, message: fmt.Sprintf("Not enough privileges: function %s is not available to the BI user", text)}
	}
	return nil
}

// holdList reads `name = value, name, …` and returns the token after it. What looks like a list but
// is not one (a column may be called settings) ends immediately.
func (h *holder) holdList() token {
	for {
		name := h.next()
		if name.kind != tokenWord && name.kind != tokenName || name.isWord(h.text, "SETTINGS") || name.isWord(h.text, "SET") {
			return name
		}
		setting := strings.Trim(h.text[name.start:name.end], "`\"")
		after := h.next()
		if after.is(h.text, "=") {
			if after = h.next(); after.is(h.text, "=") { // == is = here
				after = h.next()
			}
			if h.holdValue(setting, after); h.refused != nil {
				return token{kind: tokenEnd}
			}
			after = h.next()
		} else if _, allowed := find(h.settings, setting); !allowed && strings.ContainsAny(setting, `_\`) {
			h.refused = locked(setting) // alone it means = 1
			return token{kind: tokenEnd}
		}
		if !after.is(h.text, ",") {
			return after
		}
	}
}

// holdValue checks one value and writes the clamped one.
func (h *holder) holdValue(setting string, value token) {
	l, allowed := find(h.settings, setting)
	if !allowed {
		h.refused = locked(setting)
		return
	}
	text := h.text[value.start:value.end]
	plain := value.kind == tokenString || value.kind == tokenNumber || value.isWord(h.text, "TRUE") || value.isWord(h.text, "FALSE")
	if !plain {
		h.refused = &refusal{status: http.StatusBadRequest, code: codeLocked,
			message: fmt.Sprintf("setting %s takes a number, a text, true or false here: DEFAULT, parameters and expressions are not accepted", setting)}
		return
	}
	held, refused := l.hold(strings.Trim(text, "'"))
	if refused != nil {
		h.refused = refused
		return
	}
	if l.Max != "" {
		h.out.WriteString(h.text[h.copied:value.start])
		h.out.WriteString(held)
		h.copied = value.end
	}
}

type tokenKind int

const (
	tokenEnd    tokenKind = iota
	tokenWord             // letters, digits, underscores; not a digit first
	tokenNumber           //
	tokenString           // '…'
	tokenName             // "…" or `…`
	tokenSign             // one byte
)

type token struct {
	kind       tokenKind
	start, end int
}

func (t token) isWord(text, word string) bool {
	return t.kind == tokenWord && strings.EqualFold(text[t.start:t.end], word)
}

func (t token) is(text, sign string) bool {
	return t.kind == tokenSign && text[t.start:t.end] == sign
}

// scanner cuts a statement into tokens as ClickHouse's lexer does. Where the two might differ, it
// fails: text between dollar signs and typographic quotes.
type scanner struct {
	text string
	pos  int
}

const wordBytes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

// next returns the next token, or why there is none.
func (s *scanner) next() (token, string) {
	if !s.skipBlank() {
		return token{}, "a comment is not closed"
	}
	if s.pos == len(s.text) {
		return token{kind: tokenEnd, start: s.pos, end: s.pos}, ""
	}
	t := token{start: s.pos}
	switch rest := s.text[s.pos:]; {
	case strings.HasPrefix(rest, "‘"), strings.HasPrefix(rest, "“"):
		return t, "typographic quotes are not accepted: use ' for texts and \" for names"
	case rest[0] == 0:
		return t, "a zero byte is not accepted"
	case rest[0] == '$':
		return t, "a dollar sign is accepted in quotes only"
	case rest[0] == '\'', rest[0] == '"', rest[0] == '`':
		t.kind = tokenName
		if rest[0] == '\'' {
			t.kind = tokenString
		}
		if !s.skipQuoted() {
			return t, "a quote is not closed"
		}
	case isDigit(rest[0]):
		t.kind = tokenNumber
		s.skipNumber()
	case strings.IndexByte(wordBytes, rest[0]) >= 0:
		t.kind = tokenWord
		s.skipWord()
		// x'4142' and b'0101' know no escapes.
		if word := s.text[t.start:s.pos]; len(word) == 1 && strings.Contains("xXbB", word) && strings.HasPrefix(s.text[s.pos:], "'") {
			length := strings.IndexByte(s.text[s.pos+1:], '\'')
			if length < 0 {
				return t, "a quote is not closed"
			}
			t.kind = tokenString
			s.pos += length + 2
		}
	default:
		t.kind = tokenSign
		s.pos++
	}
	t.end = s.pos
	return t, ""
}

// skipBlank passes white space and comments; false means that one is not terminated.
func (s *scanner) skipBlank() bool {
	for s.pos < len(s.text) {
		rest := s.text[s.pos:]
		switch {
		case strings.IndexByte(" \t\n\r\f\v", rest[0]) >= 0:
			s.pos++
		case strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "//"), strings.HasPrefix(rest, "#!"), strings.HasPrefix(rest, "# "):
			line := strings.IndexByte(rest, '\n')
			if line < 0 {
				line = len(rest) - 1
			}
			s.pos += line + 1
		case strings.HasPrefix(rest, "/*"):
			length := strings.Index(rest[2:], "*/")
			if length < 0 {
				return false
			}
			s.pos += length + 4
		default:
			return true
		}
	}
	return true
}

// skipQuoted passes a quoted text or name. A doubled quote and a backslash keep it open.
func (s *scanner) skipQuoted() bool {
	quote := s.text[s.pos]
	for s.pos++; s.pos < len(s.text); s.pos++ {
		switch s.text[s.pos] {
		case '\\':
			s.pos++
		case quote:
			if s.pos+1 < len(s.text) && s.text[s.pos+1] == quote {
				s.pos++
				continue
			}
			s.pos++
			return true
		}
	}
	return false
}

func (s *scanner) skipWord() {
	for s.pos < len(s.text) && strings.IndexByte(wordBytes, s.text[s.pos]) >= 0 {
		s.pos++
	}
}

// skipNumber passes 1, 0x1F, 1_000, 1.5, 1e9, 1.5e-9.
func (s *scanner) skipNumber() {
	s.skipWord()
	if s.followedByDigit(".") {
		s.pos++
		s.skipWord()
	}
	if last := s.text[s.pos-1]; (last == 'e' || last == 'E') && (s.followedByDigit("-") || s.followedByDigit("+")) {
		s.pos++
		s.skipWord()
	}
}

func (s *scanner) followedByDigit(sign string) bool {
	return strings.HasPrefix(s.text[s.pos:], sign) && s.pos+1 < len(s.text) && isDigit(s.text[s.pos+1])
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }
