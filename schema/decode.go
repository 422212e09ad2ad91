package schema

import (
	"strings"
	"time"
)

// Decode reads an event in the structured mode of CloudEvents JSON and checks
// every rule of contract section 2. taken is the moment the log took the event
// (or takes it, at the edge); the event's time may be at most 24 h after it.
//
// Nothing of raw is kept. Unknown attributes and members are skipped, but their syntax and nesting are checked.
//
// # Errors
//
// Of several errors Decode always returns the same one: INVALID_JSON before
// EVENT_TOO_LARGE, then the attributes in the order specversion, id, source,
// type, datacontenttype, time, subject, projectid, sequence, parleyorigin, parleyreleased, data_base64, data,
// then the members of data in the order of the type's JSON Schema, an inner object's in its place.
// For one member, the error that comes first in the bytes.
//
// With an error, the Event has no Data and only identifies what was refused: Project, Source, ID
// and Conversation are set if they could be read and are valid, whatever else is wrong (after a
// syntax error nothing can be read).
func Decode(raw []byte, taken time.Time) (Event, *Error) {
	return current.decode(raw, taken)
}

// Rules for attributes.
const (
	ruleEvent       = "must be one JSON object and nothing after it"
	ruleSize        = "must be at most 262144 bytes in its structured form"
	ruleSpecVersion = `must be "1.0"`
	ruleReleased    = "must be a string"
	ruleName        = "must be a string, not empty and without control characters"
	ruleType        = "must be a type of Parley's events, e.g. parley.conversation.opened.v1"
	ruleMediaType   = "must be a JSON media type: application/json or one that ends in +json"
	ruleProject     = "must be an integer from 1 to 2147483647, or its digits in a string"
	ruleOrder       = "must be 1 to 19 digits"
	ruleBase64      = "must be absent: data is an object"
)

// attributes lists the attributes that are not extensions, in the order of errors.
var attributes = []member{
	{"specversion", true},
	{"id", true},
	{"source", true},
	{"type", true},
	{"datacontenttype", false},
	{"time", true},
	{"subject", true},
	{"projectid", true},
	{"sequence", false},
	{"parleyorigin", false},
	{"parleyreleased", false},
	{"data_base64", false},
	{"data", true},
}

// decoder reads events of the types in its forms.
type decoder struct{ forms []form }

func (d decoder) decode(raw []byte, taken time.Time) (Event, *Error) {
	s := scanner{buf: raw}
	if s.peek() != '{' {
		s.skip()
		if s.fault == nil {
			s.fail(ruleEvent)
		}
		return Event{}, s.fault
	}
	e, err := d.envelope(&s, taken)
	if s.peek(); s.pos < len(s.buf) {
		s.fail(ruleEvent)
	}
	switch {
	case s.fault != nil:
		err = s.fault
	case len(raw) > MaxEventBytes:
		err = &Error{Code: CodeTooLarge, Rule: ruleSize}
	}
	if err != nil {
		e.Data = nil
	}
	return e, err
}

// envelope reads the attributes, and data once the type is known.
func (d decoder) envelope(s *scanner, taken time.Time) (e Event, err *Error) {
	var f *form
	later := -1 // where data begins, when it comes before type
	o := s.object(attributes)
	for o.next() {
		switch o.name {
		case "specversion":
			if string(o.bytes(ruleSpecVersion)) != "1.0" {
				o.breaks(ruleSpecVersion)
			}
		case "id":
			e.ID = o.attribute(MaxIDBytes, ruleIDSize)
		case "source":
			e.Source = o.attribute(MaxSourceBytes, ruleNameSize)
		case "type":
			f = d.form(&o)
		case "datacontenttype":
			if !isJSONMediaType(o.bytes(ruleMediaType)) {
				o.breaks(ruleMediaType)
			}
		case "time":
			e.Time = o.timestamp()
			if e.Time > TimestampOf(taken.Add(MaxAhead)) {
				o.breaks(ruleTimeAhead)
			}
		case "subject":
			var ok bool
			if e.Conversation, ok = parseConversationID(o.bytes(ruleUUID)); !ok {
				o.breaks(ruleUUID)
			}
		case "projectid":
			e.Project = o.project()
		case "sequence":
			e.Order, e.HasOrder = o.order()
		case "parleyorigin":
			origin, _ := o.order()
			e.Origin = Sequence(origin)
		case "parleyreleased":
			e.Released = string(o.bytes(ruleReleased)) == "true"
		case "data_base64":
			o.wrong(ruleBase64)
		case "data":
			switch {
			case o.peek() != '{':
				o.wrong(ruleObject)
			case f != nil:
				e.Data, err = f.read(s)
				o.nest(err)
			default:
				later = o.pos
				o.skip()
			}
		}
	}
	if s.fault == nil && f != nil && later >= 0 {
		again := scanner{buf: s.buf, pos: later} // syntax and depth have been checked
		e.Data, err = f.read(&again)
		o.at, o.name = len(attributes)-1, "data"
		o.nest(err)
	}
	if err = o.end(); err == nil && s.fault == nil {
		d.complete(&e, f)
		err = checkSubject(&e)
	}
	return e, err
}

// complete brings data to its newest form and fills in the contract's
// defaults.
func (d decoder) complete(e *Event, f *form) {
	e.Type, e.Data = d.newest(f, e.Data)
	if t, ok := e.Data.(*Transaction); ok {
		if t.ReceivedAt == timeAbsent {
			t.ReceivedAt = e.Time
		}
		if t.TransactionID == "" {
			t.TransactionID = t.ExternalConversionID
		}
	}
}

// attribute reads id or source: CloudEvents allows no control characters in
// them.
func (o *object) attribute(most int, size string) string {
	b := o.limited(ruleName, most, size)
	if b == nil {
		return ""
	}
	if len(b) == 0 || hasControl(b) {
		o.breaks(ruleName)
		return ""
	}
	return string(b)
}

// hasControl reports whether UTF-8 has one of the characters U+0000 to U+001F
// and U+007F to U+009F.
func hasControl(b []byte) bool {
	for i, c := range b {
		if c < ' ' || c == 0x7f || c == 0xc2 && b[i+1] < 0xa0 {
			return true
		}
	}
	return false
}

// form reads the type and finds its form; nil if there is none.
func (d decoder) form(o *object) *form {
	b := o.bytes(ruleString)
	if b == nil {
		return nil
	}
	if f := named(d.forms, b); f != nil {
		return f
	}
	code := CodeUnknownType
	if len(b) == 0 {
		code = CodeInvalid
	}
	o.keep(o.at, &Error{Code: code, Field: o.name, Rule: ruleType})
	return nil
}

// project reads a project id: a number, or digits in a string.
func (o *object) project() ProjectID {
	var (
		n  uint64
		ok bool
	)
	switch c := o.peek(); {
	case c == '"':
		n, ok = parseDigits(o.bytes(ruleProject))
	case isDigit(c):
		n, ok = parseDigits(o.number())
	default:
		o.skip()
	}
	if !ok || n < 1 || n > uint64(MaxProjectID) {
		o.breaks(ruleProject)
		return 0
	}
	return ProjectID(n)
}

// order reads the sequence attribute: digits in a string, or a number that is
// digits only.
func (o *object) order() (n uint64, ok bool) {
	switch c := o.peek(); {
	case c == '"':
		n, ok = parseDigits(o.bytes(ruleOrder))
	case isDigit(c):
		n, ok = parseDigits(o.number())
	default:
		o.skip()
	}
	if !ok {
		o.breaks(ruleOrder)
	}
	return n, ok
}

// isJSONMediaType reports whether CloudEvents treats the media type as JSON:
// the subtype is json or ends in +json, in either case, whatever the
// parameters.
func isJSONMediaType(text []byte) bool {
	if string(text) == "application/json" {
		return true
	}
	essence, _, _ := strings.Cut(string(text), ";")
	main, sub, _ := strings.Cut(strings.TrimRight(essence, " \t"), "/")
	if main == "" || sub == "" || strings.ContainsFunc(main+sub, notToken) {
		return false
	}
	sub = strings.ToLower(sub)
	suffixed := len(sub) > len("+json") && strings.HasSuffix(sub, "+json")
	return suffixed || sub == "json"
}

// notToken reports whether a media type's name cannot have the character
// (RFC 6838).
func notToken(r rune) bool {
	return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("!#$&-^_.+", r)
}
