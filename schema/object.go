package schema

import "strings"

// member is one known member of an object. The order of a list of members is the precedence of their errors.
type member struct {
	name     string
	required bool
}

// object reads one JSON object against the list of its known members, which implements the rules
// for every object of an event: names are case-sensitive, a member that is null is absent, unknown
// members are skipped, a known name given twice (null or not) is refused, and of several errors the
// one whose member comes first in the list is reported.
//
// The loop is
//
//	o := s.object(members)
//	for o.next() {
//		switch o.name { … one reader per member … }
//	}
//	return o.end()
//
// and the body must consume the value: each reader does, whatever it finds.
type object struct {
	*scanner
	members []member
	name    string // of the member that next has found
	at      int    // its index in members
	seen    uint32 // members by index: the name was there
	given   uint32 // the same: and was not null
	rank    int    // index of the member that err is about
	err     *Error
}

// Rules for objects and their members.
const (
	ruleObject   = "must be an object"
	ruleTwice    = "must not be given twice"
	ruleRequired = "is required"
)

// object begins to read the value ahead as an object.
func (s *scanner) object(members []member) object {
	o := object{scanner: s, members: members}
	if s.peek() == '{' {
		s.enter()
		return o
	}
	s.skip()
	o.members = nil
	o.err = &Error{Code: CodeInvalid, Rule: ruleObject}
	return o
}

// next finds the next known member that is not null; false at the end.
func (o *object) next() bool {
	if o.members == nil {
		return false
	}
	for {
		name, more := o.key()
		if !more {
			return false
		}
		i := o.find(name)
		if i < 0 {
			o.skip()
			continue
		}
		o.at, o.name = i, o.members[i].name
		bit := uint32(1) << i
		if o.seen&bit != 0 {
			o.wrong(ruleTwice)
			continue
		}
		o.seen |= bit
		if o.peek() == 'n' {
			o.literal()
			continue
		}
		o.given |= bit
		return true
	}
}

// find returns the index of a known name, -1 for others. Senders mostly write members in the order
// of the list, so the search begins after the last one found.
func (o *object) find(name []byte) int {
	for i := o.at; i < len(o.members); i++ {
		if o.members[i].name == string(name) {
			return i
		}
	}
	for i := range min(o.at, len(o.members)) {
		if o.members[i].name == string(name) {
			return i
		}
	}
	return -1
}

// end returns the error with precedence, nil if the object is valid.
func (o *object) end() *Error {
	for i, m := range o.members {
		if m.required && o.given&(1<<i) == 0 {
			o.keep(i, &Error{Code: CodeMissing, Field: m.name, Rule: ruleRequired})
		}
	}
	return o.err
}

// keep records an error about member i, unless one with precedence is recorded.
func (o *object) keep(i int, err *Error) {
	if o.err == nil || i < o.rank {
		o.rank, o.err = i, err
	}
}

// breaks records that the current member breaks a rule; its value has been read.
func (o *object) breaks(rule string) {
	o.keep(o.at, &Error{Code: CodeInvalid, Field: o.name, Rule: rule})
}

// wrong is breaks for a value that has not been read.
func (o *object) wrong(rule string) {
	o.skip()
	o.breaks(rule)
}

// nest records the error of an object that is the current member's value.
func (o *object) nest(err *Error) {
	if err == nil {
		return
	}
	nested := *err
	nested.Field = strings.TrimSuffix(o.name+"."+err.Field, ".")
	o.keep(o.at, &nested)
}
