package schema

import (
	"crypto/sha1" //nolint:gosec // UUIDv5 is defined over SHA-1; nothing is kept secret by it
	"encoding/hex"
	"slices"
	"strconv"
)

// ProfileKind is the kind of a profile; it is part of the name from which the subject is computed.
type ProfileKind string

// The kinds of profiles.
const (
	ProfileCustomer ProfileKind = "customer"
	ProfileSeller   ProfileKind = "seller"
)

// urlNamespace is the namespace of RFC 9562 for names that are URLs:
// 6ba7b811-9dad-11d1-80b4-00c04fd430c8.
var urlNamespace = [16]byte{0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}

// ProfileSubject returns the subject that events of a customer or seller must
// have: the UUIDv5 (RFC 9562) in the URL namespace of the name
// parley:<projectid>:<kind>:<id>. Any sender can compute it.
func ProfileSubject(project ProjectID, kind ProfileKind, id string) ConversationID {
	name := "parley:" + strconv.FormatUint(uint64(project), 10) + ":" + string(kind) + ":" + id
	sum := sha1.Sum(append(urlNamespace[:], name...)) //nolint:gosec // see the import
	u := sum[:16]
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	text := hex.EncodeToString(u)
	return ConversationID(text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:])
}

const (
	ruleSubject       = "must be the UUIDv5 in the URL namespace of parley:<projectid>:customer:<id> (customer) or parley:<projectid>:seller:<id> (seller)"
	ruleClear         = "must be a list of names of members other than id"
	ruleClearConflict = "must not name a member that is given, nor one twice"
)

var (
	customerDataMembers = []member{{"customer", true}, {"clear", false}}
	customerMembers     = []member{
		{"id", true},
		{"externalId", false},
		{"firstName", false},
		{"lastName", false},
		{"email", false},
		{"phone", false},
		{"notes", false},
		{"type", false},
		{"ipAddress", false},
		{"ipLocation", false},
		{"customData", false},
	}
	sellerDataMembers = []member{{"seller", true}, {"clear", false}}
	sellerMembers     = []member{
		{"id", true},
		{"businessName", false},
		{"legalBusinessName", false},
		{"emailAddress", false},
		{"phone", false},
		{"online", false},
	}

	customerTypes = []CustomerType{CustomerRegistered, CustomerGuest, CustomerVisitor}
)

func readCustomer(s *scanner) (Data, *Error) {
	d := new(Customer)
	var given uint32
	o := s.object(customerDataMembers)
	for o.next() {
		switch o.name {
		case "customer":
			given = o.customer(d)
		case "clear":
			d.Clear = o.names(customerMembers)
		}
	}
	o.clearConflict(d.Clear, customerMembers, given)
	return d, o.end()
}

// customer reads the profile and returns which members it has.
func (o *object) customer(into *Customer) uint32 {
	in := o.object(customerMembers)
	for in.next() {
		switch in.name {
		case "id":
			into.ID = in.id()
		case "externalId":
			into.ExternalID = in.optAnyID()
		case "firstName":
			into.FirstName = in.optName()
		case "lastName":
			into.LastName = in.optName()
		case "email":
			into.Email = in.optName()
		case "phone":
			into.Phone = in.optName()
		case "notes":
			into.Notes = in.optText()
		case "type":
			into.Type = optEnum(&in, customerTypes)
		case "ipAddress":
			into.IPAddress = in.optName()
		case "ipLocation":
			into.IPLocation = in.optName()
		case "customData":
			into.CustomData = in.customData()
		}
	}
	o.nest(in.end())
	return in.given
}

func readSeller(s *scanner) (Data, *Error) {
	d := new(Seller)
	var given uint32
	o := s.object(sellerDataMembers)
	for o.next() {
		switch o.name {
		case "seller":
			given = o.seller(d)
		case "clear":
			d.Clear = o.names(sellerMembers)
		}
	}
	o.clearConflict(d.Clear, sellerMembers, given)
	return d, o.end()
}

// seller reads the profile and returns which members it has.
func (o *object) seller(into *Seller) uint32 {
	in := o.object(sellerMembers)
	for in.next() {
		switch in.name {
		case "id":
			into.ID = in.id()
		case "businessName":
			into.BusinessName = in.optName()
		case "legalBusinessName":
			into.LegalBusinessName = in.optName()
		case "emailAddress":
			into.EmailAddress = in.optName()
		case "phone":
			into.Phone = in.optName()
		case "online":
			online := in.flag()
			into.Online = &online
		}
	}
	o.nest(in.end())
	return in.given
}

// names reads a list of names of members, the first (the id) excepted. Its size is bounded by the
// number of members, because a list with a duplicate name is refused.
func (o *object) names(members []member) []string {
	if o.peek() != '[' {
		o.wrong(ruleClear)
		return nil
	}
	names := []string{}
	for o.enter(); o.element(); {
		if o.peek() != '"' {
			o.wrong(ruleClear)
			continue
		}
		raw, plain := o.str()
		if !plain {
			raw = o.unescape(raw)
		}
		i := slices.IndexFunc(members, func(m member) bool { return m.name == string(raw) })
		switch {
		case i < 1:
			o.breaks(ruleClear)
		case slices.Contains(names, members[i].name):
			o.breaks(ruleClearConflict)
		default:
			names = append(names, members[i].name)
		}
	}
	return names
}

// clearConflict refuses to clear a member that the same event sets.
func (o *object) clearConflict(names []string, members []member, given uint32) {
	for i, m := range members {
		if given&(1<<i) != 0 && slices.Contains(names, m.name) {
			o.keep(1, &Error{Code: CodeInvalid, Field: "clear", Rule: ruleClearConflict})
		}
	}
}

// checkSubject compares the subject of a profile's event with the profile's id.
func checkSubject(e *Event) *Error {
	want := e.Conversation
	switch d := e.Data.(type) {
	case *Customer:
		want = ProfileSubject(e.Project, ProfileCustomer, d.ID)
	case *Seller:
		want = ProfileSubject(e.Project, ProfileSeller, d.ID)
	}
	if e.Conversation != want {
		return &Error{Code: CodeInvalid, Field: "subject", Rule: ruleSubject}
	}
	return nil
}
