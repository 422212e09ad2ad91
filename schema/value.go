package schema

import "strings"

// Readers for one member's value. Each consumes the value whatever it is, and records the rule that
// it breaks; then it returns the zero value.

// Rules for values.
const (
	ruleString     = "must be a string"
	ruleID         = "must be a string, not empty"
	ruleIDSize     = "must be at most 256 bytes in UTF-8"
	ruleNameSize   = "must be at most 1024 bytes in UTF-8"
	ruleBool       = "must be true or false"
	ruleOperatorID = "must be an integer from 1 to 9007199254740991, without fraction or exponent"
)

// maxOperatorID is 2^53-1, the largest integer up to which a binary float, and so every JSON parser, is exact.
const maxOperatorID = 1<<53 - 1

// bytes reads a string. The result is good until the next read; nil if the value is not a string,
// which has been recorded.
func (o *object) bytes(rule string) []byte {
	if o.peek() != '"' {
		o.wrong(rule)
		return nil
	}
	raw, plain := o.str()
	if !plain {
		raw = o.unescape(raw)
	}
	return raw
}

// text reads any string, the empty one included.
func (o *object) text() string { return string(o.bytes(ruleString)) }

// optText reads any string into a variable of its own.
func (o *object) optText() *string {
	text := o.text()
	return &text
}

// id reads a string that identifies something: not empty, at most MaxIDBytes.
func (o *object) id() string {
	b := o.limited(ruleID, MaxIDBytes, ruleIDSize)
	if b != nil && len(b) == 0 {
		o.breaks(ruleID)
	}
	return string(b)
}

// anyID reads an id that may be any string, the empty one included.
func (o *object) anyID() string { return string(o.limited(ruleString, MaxIDBytes, ruleIDSize)) }

// optAnyID reads such an id into a variable of its own.
func (o *object) optAnyID() *string {
	id := o.anyID()
	return &id
}

// optName reads a name, reason, language, e-mail address or phone number: any
// string of at most MaxNameBytes.
func (o *object) optName() *string {
	name := string(o.limited(ruleString, MaxNameBytes, ruleNameSize))
	return &name
}

// limited is bytes for a string of at most most bytes.
func (o *object) limited(rule string, most int, size string) []byte {
	b := o.bytes(rule)
	if len(b) > most {
		o.breaks(size)
		return nil
	}
	return b
}

// flag reads true or false.
func (o *object) flag() bool {
	if c := o.peek(); c != 't' && c != 'f' {
		o.wrong(ruleBool)
		return false
	}
	return o.literal() == "true"
}

// integer reads a number from low to high, written in digits only.
func (o *object) integer(low, high int64, rule string) int64 {
	if c := o.peek(); c != '-' && !isDigit(c) {
		o.wrong(rule)
		return 0
	}
	n, ok := parseInteger(o.number())
	if !ok || n < low || n > high {
		o.breaks(rule)
		return 0
	}
	return n
}

// parseInteger reads a JSON number of digits with an optional minus. It returns false for a
// fraction, an exponent, or a value outside an int64.
func parseInteger(text []byte) (int64, bool) {
	digits := text
	negative := len(text) > 0 && text[0] == '-'
	if negative {
		digits = text[1:]
	}
	u, ok := parseDigits(digits)
	if !ok || u > 1<<63-1 {
		return 0, false
	}
	if negative {
		return -int64(u), true
	}
	return int64(u), true
}

// parseDigits reads 1 to 19 decimal digits, which a uint64 holds.
func parseDigits[T ~string | ~[]byte](text T) (u uint64, ok bool) {
	if len(text) < 1 || len(text) > 19 {
		return 0, false
	}
	for i := range len(text) {
		if !isDigit(text[i]) {
			return 0, false
		}
		u = u*10 + uint64(text[i]-'0')
	}
	return u, true
}

// operatorID reads the id of an agent, expert or bot.
func (o *object) operatorID() OperatorID {
	return OperatorID(o.integer(1, maxOperatorID, ruleOperatorID))
}

// rating reads a small integer from low to high.
func (o *object) rating(low, high int64, rule string) *uint8 {
	n := uint8(o.integer(low, high, rule))
	return &n
}

// timestamp reads a moment.
func (o *object) timestamp() Timestamp {
	b := o.bytes(ruleTime)
	if b == nil {
		return 0
	}
	t, rule := parseTimestamp(b)
	if rule != "" {
		o.breaks(rule)
	}
	return t
}

// enum reads one of the values, spelled exactly.
func enum[T ~string](o *object, values []T) T {
	if o.peek() == '"' {
		raw, plain := o.str()
		if !plain {
			raw = o.unescape(raw)
		}
		for _, v := range values {
			if string(v) == string(raw) {
				return v
			}
		}
	} else {
		o.skip()
	}
	names := make([]string, len(values))
	for i, v := range values {
		names[i] = string(v)
	}
	o.breaks("must be one of " + strings.Join(names, ", "))
	return ""
}

// optEnum is enum into a variable of its own.
func optEnum[T ~string](o *object, values []T) *T {
	v := enum(o, values)
	return &v
}
