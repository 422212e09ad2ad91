package demo

import (
	"strconv"

	"github.com/parley-analytics/parley/schema"
)

// Receipts and profiles are drawn after all else, so that a
// conversation is the same with and without them.

// receipts marks messages as read, and occasionally deletes one.
func (s *script) receipts() {
	if s.messages == 0 {
		return
	}
	if s.chance(.6) {
		s.event("message.read", s.lastMessage+2*second+int64(s.IntN(int(minute))))
		s.member("reader", "OPERATOR")
		s.done()
	}
	if s.chance(.4) {
		s.event("message.read", s.lastMessage+5*second+int64(s.IntN(int(5*minute))))
		s.member("reader", "VISITOR")
		s.text(`,"upTo":"m-`)
		s.number(s.messages)
		s.text(`"`)
		s.done()
	}
	if s.chance(.01) {
		s.event("message.deleted", s.lastMessage+30*second)
		s.text(`"messageId":"m-`)
		s.number(1 + s.IntN(s.messages))
		s.text(`"`)
		s.done()
	}
}

// profiles writes down what is learned about the customer, and now and then about
// a seller of the brand's marketplace.
func (s *script) profiles() {
	if s.chance(.12) {
		id := "v-" + strconv.Itoa(s.visitor.id)
		s.eventOn([]byte(schema.ProfileSubject(schema.ProjectID(s.project), schema.ProfileCustomer, id)), "customer.updated", s.lastMessage+90*second)
		s.text(`"customer":{`)
		s.member("id", id)
		s.text(",")
		s.member("firstName", givenNames[s.visitor.given])
		s.text(",")
		s.member("lastName", familyNames[s.visitor.family])
		s.text(",")
		s.member("notes", "Prefers e-mail")
		s.text(",")
		s.member("ipLocation", one(s, []string{"Paris", "Berlin", "Madrid", "London"}))
		s.text("}")
		s.done()
	}
	if s.chance(.03) {
		s.seller()
	}
}

// sellers are the sellers of each brand's marketplace.
var sellers = []named{
	{"660119", "Cell Phone Corner"}, {"660120", "Green Garden"}, {"660121", "Paper and Ink"}, {"660122", "North Bikes"},
	{"660123", "Little Library"}, {"660124", "Casa Cucina"}, {"660125", "Audio Attic"}, {"660126", "Second Season"},
}

// seller is the profile of a seller of the brand's marketplace. Chats with sellers
// are left to the reader: they would be conversations more than were asked for.
func (s *script) seller() {
	seller := one(s, sellers)
	subject := []byte(schema.ProfileSubject(schema.ProjectID(s.project), schema.ProfileSeller, seller.id))
	s.eventOn(subject, "seller.updated", s.lastMessage+2*minute)
	s.text(`"seller":{`)
	s.member("id", seller.id)
	s.text(",")
	s.member("businessName", seller.name)
	s.text(",")
	s.member("legalBusinessName", seller.name+" Ltd")
	s.text(`,"online":true}`)
	s.done()
}
