package source

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"github.com/parley-analytics/parley/schema"
)

// Object is one JSON object of a payload, read member by member. Platforms change types without
// notice, so each reader accepts what can be interpreted: a number for a string, 3.0 for an
// integer. A member that is null is absent. One that breaks its rule is treated as absent, or cut
// to its limit, and recorded: see [Object.Fault]. Names are case-sensitive. If a reader is called
// with several names, the first one present counts.
type Object struct {
	members map[string]json.RawMessage
	path    string // "" for the payload itself, else with a point at its end
	fault   **schema.Error
}

// Read reads a payload. The error says why it is not one JSON object in UTF-8,
// with each name once, at most [schema.MaxDepth] levels and 500,000 names and values.
func Read(body []byte) (*Object, *schema.Error) {
	if err := check(body); err != nil {
		return nil, err
	}
	o := &Object{fault: new(*schema.Error)}
	_ = json.Unmarshal(body, &o.members) // it was checked
	return o, nil
}

func unreadable(rule string) *schema.Error {
	return &schema.Error{Code: schema.CodeInvalidJSON, Rule: rule}
}

// check validates the structure of a whole payload.
func check(body []byte) *schema.Error {
	if !utf8.Valid(body) {
		return unreadable("the body must be UTF-8")
	}
	if text := bytes.TrimLeft(body, " \t\r\n"); len(text) == 0 || text[0] != '{' || !json.Valid(body) {
		return unreadable("the body must be one JSON object and nothing after it")
	}
	// level is an object or array that is open; names is nil in an array.
	type level struct {
		names map[string]bool
		value bool // the next token is the value of a member
	}
	var open []level
	tokens := json.NewDecoder(bytes.NewReader(body))
	tokens.UseNumber()
	n := 0
	for token, err := tokens.Token(); err == nil; token, err = tokens.Token() { // the syntax is valid: an error is the end
		if n++; n > maxTokens {
			return unreadable(fmt.Sprintf("the body must have at most %d names and values", maxTokens))
		}
		delimiter, structure := token.(json.Delim)
		if structure && (delimiter == '}' || delimiter == ']') {
			open = open[:len(open)-1]
			continue
		}
		if top := len(open) - 1; top >= 0 && open[top].names != nil {
			if name, isName := token.(string); isName && !open[top].value {
				if open[top].names[name] {
					return unreadable("the body must not contain a name twice in one object")
				}
				open[top].names[name], open[top].value = true, true
				continue
			}
			open[top].value = false
		}
		if !structure {
			continue
		}
		var inner level
		if delimiter == '{' {
			inner.names = make(map[string]bool)
		}
		if open = append(open, inner); len(open) > schema.MaxDepth {
			return unreadable(fmt.Sprintf("the body must not nest deeper than %d levels", schema.MaxDepth))
		}
	}
	return nil
}

// maxTokens limits the cost of reading a payload.
const maxTokens = 500_000

// Fault returns the first rule broken by a member that was read, anywhere in the payload, or nil.
// It never contains a value.
func (o *Object) Fault() *schema.Error { return *o.fault }

// Note records a rule that a member breaks, unless another one is recorded.
func (o *Object) Note(code schema.Code, name, rule string) {
	if *o.fault == nil {
		*o.fault = &schema.Error{Code: code, Field: strings.TrimSuffix(o.path+name, "."), Rule: rule}
	}
}

func (o *Object) wrong(name, rule string) { o.Note(schema.CodeInvalid, name, rule) }

// Missing records that a required member is absent.
func (o *Object) Missing(name string) { o.Note(schema.CodeMissing, name, "is required") }

// Has reports whether a member is present and not null.
func (o *Object) Has(name string) bool {
	raw := o.members[name]
	return len(raw) > 0 && string(raw) != "null"
}

// find returns the first of the names that is present.
func (o *Object) find(names []string) (name string, raw json.RawMessage) {
	for _, name := range names {
		if o.Has(name) {
			return name, o.members[name]
		}
	}
	return "", nil
}

// scalar is the text of a string, number, true or false.
func scalar(raw json.RawMessage) (text string, ok bool) {
	switch raw[0] {
	case '{', '[':
		return "", false
	case '"':
		err := json.Unmarshal(raw, &text) // half of a surrogate pair reads as U+FFFD
		return text, err == nil
	default:
		return string(raw), true
	}
}

// Text reads a string of at most so many bytes; a longer one is cut. It is empty if none of the names is present.
func (o *Object) Text(limit int, names ...string) string {
	name, raw := o.find(names)
	if raw == nil {
		return ""
	}
	text, ok := scalar(raw)
	if !ok {
		o.wrong(name, "must be a string")
		return ""
	}
	cut, whole := Cut(text, limit)
	if !whole {
		o.wrong(name, fmt.Sprintf("must be at most %d bytes; the rest is omitted from the events", limit))
	}
	return cut
}

// Cut returns the beginning of a text, at most so many bytes without splitting a character, and
// whether it is the whole text.
func Cut(text string, limit int) (cut string, whole bool) {
	if len(text) <= limit {
		return text, true
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit], false
}

// ID reads a string, or number, that is an id. One that is too long is replaced by a digest, so
// that it still identifies the same thing.
func (o *Object) ID(names ...string) string {
	name, raw := o.find(names)
	if raw == nil {
		return ""
	}
	id, ok := scalar(raw)
	if !ok {
		o.wrong(name, "must be a string")
		return ""
	}
	if len(id) > maxID {
		o.wrong(name, fmt.Sprintf("must be at most %d bytes; a digest replaces it in the events", maxID))
		return "sha256:" + Digest(id)
	}
	return id
}

// Short returns an id for use inside the id of an event, where it must leave room for others and
// have no control characters: otherwise it returns a digest.
func Short(id string) string {
	if len(id) > 128 || strings.ContainsFunc(id, unicode.IsControl) {
		return "sha256:" + Digest(id)
	}
	return id
}

// maxID is the longest id of anything in an event, in bytes.
const maxID = 256

// Integer reads a whole number, possibly in a string, with a fraction of zeros or with an exponent.
func (o *Object) Integer(names ...string) (n int64, ok bool) {
	name, raw := o.find(names)
	if raw == nil {
		return 0, false
	}
	if n, ok = integer(raw); !ok {
		o.wrong(name, "must be an integer")
	}
	return n, ok
}

func integer(raw json.RawMessage) (int64, bool) {
	text, ok := scalar(raw)
	if !ok {
		return 0, false
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, true
	}
	d, ok := parseDecimal(text)
	if !ok || !d.IsInteger() || !d.BigInt().IsInt64() {
		return 0, false
	}
	return d.IntPart(), true
}

// parseDecimal reads a number small enough for cheap arithmetic.
func parseDecimal(text string) (decimal.Decimal, bool) {
	if len(text) > 64 {
		return decimal.Decimal{}, false
	}
	d, err := decimal.NewFromString(text)
	return d, err == nil && d.Exponent() > -400 && d.Exponent() < 40
}

// Moment reads a time: see [Moment]. It is from 1970 to 2199.
func (o *Object) Moment(names ...string) (at schema.Timestamp, ok bool) {
	name, raw := o.find(names)
	if raw == nil {
		return 0, false
	}
	millis, whole := integer(raw)
	if at = schema.Timestamp(millis); !whole {
		var m Moment
		if m.UnmarshalJSON(raw) != nil {
			o.wrong(name, errMoment.Error())
			return 0, false
		}
		at = m.Timestamp
	}
	if at < 0 || at >= endOfTime {
		o.wrong(name, "must be from 1970 to 2199")
		return 0, false
	}
	return at, true
}

// endOfTime is the first moment that no event can have: the beginning of 2200.
const endOfTime schema.Timestamp = 7_258_118_400_000

// Flag reads true or false; false if it is absent.
func (o *Object) Flag(names ...string) bool {
	name, raw := o.find(names)
	switch strings.Trim(string(raw), `"`) {
	case "true":
		return true
	case "false", "":
	default:
		o.wrong(name, "must be true or false")
	}
	return false
}

// Object reads an object; an empty one where it is absent.
func (o *Object) Object(names ...string) *Object {
	name, raw := o.find(names)
	inner := &Object{path: o.path + cmp.Or(name, names[0]) + ".", fault: o.fault}
	if raw != nil && json.Unmarshal(raw, &inner.members) != nil {
		o.wrong(name, "must be an object")
	}
	return inner
}

// list reads an array. Elements that are null are left out.
func (o *Object) list(names []string) (name string, elements []json.RawMessage) {
	name, raw := o.find(names)
	var all []json.RawMessage
	if raw != nil && json.Unmarshal(raw, &all) != nil {
		o.wrong(name, "must be an array")
	}
	for _, element := range all {
		if string(element) != "null" {
			elements = append(elements, element)
		}
	}
	return name, elements
}

// Objects reads an array of objects.
func (o *Object) Objects(names ...string) []*Object {
	name, elements := o.list(names)
	all := make([]*Object, 0, len(elements))
	for _, raw := range elements {
		inner := &Object{path: o.path + name + ".", fault: o.fault}
		if json.Unmarshal(raw, &inner.members) != nil {
			o.wrong(name, "must be an array of objects")
			continue
		}
		all = append(all, inner)
	}
	return all
}

// Integers reads an array of whole numbers.
func (o *Object) Integers(names ...string) []int64 {
	name, elements := o.list(names)
	var all []int64
	for _, raw := range elements {
		n, ok := integer(raw)
		if !ok {
			o.wrong(name, "must be an array of integers")
			continue
		}
		all = append(all, n)
	}
	return all
}

// Amount reads money: see [Amount].
func (o *Object) Amount(names ...string) (amount schema.Amount, ok bool) {
	name, raw := o.find(names)
	if raw == nil {
		return 0, false
	}
	text, _ := scalar(raw)
	amount, exact, ok := Amount(text)
	switch {
	case !ok:
		o.wrong(name, "must be a decimal number of at most 14 digits before the point")
	case !exact:
		o.wrong(name, "must have at most 4 digits after the point; it is rounded in the events")
	}
	return amount, ok
}

// noise is the rounding error of binary arithmetic in an amount, as in 49.900000000000006.
var noise = decimal.New(1, -8)

// Amount reads a decimal number, also one with an exponent, and rounds it to the
// 4 digits of an amount. exact reports whether no more than the noise of binary
// arithmetic was lost.
func Amount(text string) (amount schema.Amount, exact, ok bool) {
	d, ok := parseDecimal(text)
	if !ok {
		return 0, false, false
	}
	rounded := d.Round(4)
	amount, err := schema.ParseAmount(rounded.String())
	return amount, d.Sub(rounded).Abs().LessThan(noise), err == nil
}

// Limits of custom data: see contract section 2.
const (
	maxCustomMembers = 200
	maxCustomKey     = 256
	maxCustomValue   = 4 << 10
	maxCustomBytes   = 100 << 10 // of all together as written, so that they fit into an event
)

// Custom reads the members of an object that are strings, numbers, true or false
// into custom data, except those already present. Values that are too long are cut; members beyond
// the 200th, or beyond 100 KiB in total, are left out, in the order of names.
func (o *Object) Custom(into map[string]string, except ...string) {
	size := len(marshal(into))
	for _, name := range slices.Sorted(maps.Keys(o.members)) {
		if !o.Has(name) || slices.Contains(except, name) {
			continue
		}
		value, ok := scalar(o.members[name])
		key, whole := Cut(name, maxCustomKey)
		if _, taken := into[key]; taken {
			continue
		}
		switch {
		case !ok:
			o.wrong("", "members must be strings, numbers, true or false; others are omitted from the events")
			continue
		case len(into) == maxCustomMembers:
			o.wrong("", fmt.Sprintf("custom data has at most %d members; the others are omitted from the events", maxCustomMembers))
			return
		}
		cut, all := Cut(value, maxCustomValue)
		if !whole || !all {
			o.wrong("", fmt.Sprintf("members must have names of at most %d bytes and values of at most %d; longer ones are cut in the events",
				maxCustomKey, maxCustomValue))
		}
		if size += len(marshal([]string{key, cut})); size > maxCustomBytes {
			o.wrong("", fmt.Sprintf("custom data must be at most %d bytes; the rest is omitted from the events", maxCustomBytes))
			return
		}
		into[key] = cut
	}
}

// IsObject reports whether a member is an object.
func (o *Object) IsObject(name string) bool { return bytes.HasPrefix(o.members[name], []byte("{")) }
