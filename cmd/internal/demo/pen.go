package demo

import (
	"encoding/hex"
	"math"
	"strconv"
	"time"
)

// pen writes events as JSON. Nothing that the cast says needs escaping, which a
// test checks; encoding/json would take five times as long.
type pen struct {
	source  string
	project int

	conversation [36]byte
	buffer       []byte
	spans        []span
}

// begin starts a conversation whose id is made of two random numbers.
func (p *pen) begin(high, low uint64) {
	var id [16]byte
	for i := range 8 {
		id[i], id[8+i] = byte(high>>(56-8*i)), byte(low>>(56-8*i))
	}
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80 // a random UUID
	c := p.conversation[:0]
	for i, part := range [][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			c = append(c, '-')
		}
		c = hex.AppendEncode(c, part)
	}
	p.buffer = make([]byte, 0, 8<<10)
	p.spans = p.spans[:0]
}

// end appends what was written as events in order of time.
func (p *pen) end(events []Event) []Event { return sorted(events, p.spans, p.buffer) }

// event begins one event of the conversation, up to its data.
func (p *pen) event(kind string, at int64) { p.eventOn(p.conversation[:], kind, at) }

// eventOn begins one event with a subject of its own.
func (p *pen) eventOn(subject []byte, kind string, at int64) {
	n := len(p.spans)
	p.spans = append(p.spans, span{at: at, from: len(p.buffer)})
	p.text(`{"specversion":"1.0","id":"`)
	p.buffer = append(p.buffer, p.conversation[:]...)
	p.text("-")
	p.number(n + 1)
	p.text(`","source":"`)
	p.text(p.source)
	p.text(`","type":"parley.`)
	p.text(kind)
	p.text(`.v1","time":`)
	p.time(at)
	p.text(`,"subject":"`)
	p.buffer = append(p.buffer, subject...)
	p.text(`","projectid":`)
	p.number(p.project)
	p.text(`,"datacontenttype":"application/json","data":{`)
}

// done ends the event.
func (p *pen) done() {
	p.text("}}")
	p.spans[len(p.spans)-1].to = len(p.buffer)
}

func (p *pen) text(s string) { p.buffer = append(p.buffer, s...) }

func (p *pen) number(n int) { p.buffer = strconv.AppendInt(p.buffer, int64(n), 10) }

func (p *pen) time(at int64) {
	p.text(`"`)
	p.buffer = time.UnixMilli(at).UTC().AppendFormat(p.buffer, "2006-01-02T15:04:05.000Z")
	p.text(`"`)
}

// member writes "name":"value" without a comma.
func (p *pen) member(name, value string) {
	p.text(`"`)
	p.text(name)
	p.text(`":"`)
	p.text(value)
	p.text(`"`)
}

func (p *pen) named(name string, n named) {
	p.text(`"`)
	p.text(name)
	p.text(`":{`)
	p.member("id", n.id)
	p.text(",")
	p.member("name", n.name)
	p.text("}")
}

func (p *pen) operator(name string, o operator) {
	p.text(`"`)
	p.text(name)
	p.text(`":{"id":`)
	p.number(o.id)
	p.text(",")
	p.member("kind", o.kind)
	p.text(",")
	p.member("name", o.name)
	if o.email != "" {
		p.text(",")
		p.member("email", o.email)
	}
	p.text("}")
}

// cents writes an amount of cents as a decimal.
func (p *pen) cents(n int) {
	if n < 0 {
		p.text("-")
		n = -n
	}
	p.number(n / 100)
	p.text(".")
	p.buffer = append(p.buffer, byte('0'+n/10%10), byte('0'+n%10))
}

func (s *script) opened() {
	s.event("conversation.opened", s.at)
	s.member("channel", s.channel.name)
	s.text(",")
	s.member("language", s.language)
	s.text(`,"initiator":`)
	if s.chance(.8) {
		s.text(`"VISITOR"`)
	} else {
		s.text(`"SYSTEM"`)
	}
	given, family := givenNames[s.visitor.given], familyNames[s.visitor.family]
	s.text(`,"visitor":{"id":"v-`)
	s.number(s.visitor.id)
	s.text(`"`)
	if s.chance(.4) { // who has an account
		s.text(`,"externalId":"crm-`)
		s.number(s.visitor.id)
		s.text(`",`)
		s.member("firstName", given)
		s.text(",")
		s.member("lastName", family)
		s.text(`,"email":"`)
		s.text(address(given + " " + family))
		s.text(`","phone":"+331990`)
		s.number(10000 + s.visitor.id%90000)
		s.text(`"`)
	}
	s.text("}")
	if s.chance(.35) {
		s.text(",")
		s.named("campaign", one(s, s.brand.campaigns))
	}
	if s.chance(.5) {
		s.text(`,"customData":{"page":"/product/`)
		s.number(1000 + s.IntN(400))
		s.text(`","basket":`)
		s.cents(s.IntN(30_000))
		s.text(`,"member":`)
		s.text(strconv.FormatBool(s.chance(.3)))
		s.text("}")
	}
	s.done()
}

func (s *script) routed(at int64, g group) {
	s.at = at
	s.event("conversation.routed", at)
	s.named("routingRule", g.rule)
	s.text(",")
	s.named("routingGroup", g.group)
	s.done()
}

func (s *script) pushed(to operator) {
	s.event("conversation.pushed", s.at)
	s.operator("toUser", to)
	s.done()
}

func (s *script) snoozed(by operator, until int64) {
	s.event("conversation.snoozed", s.at)
	s.operator("byUser", by)
	s.text(`,"until":`)
	s.time(until)
	s.done()
}

func (s *script) transferred(from operator, to *operator, g group) {
	s.event("conversation.transferred", s.at)
	s.operator("fromUser", from)
	if to != nil {
		s.text(",")
		s.operator("toUser", *to)
	}
	s.text(",")
	s.named("toRoutingRule", g.rule)
	s.text(",")
	s.named("toRoutingGroup", g.group)
	s.done()
}

func (s *script) closed(by *operator, reason string) {
	s.event("conversation.closed", s.at)
	if by != nil {
		s.operator("byUser", *by)
	}
	if reason != "" {
		if by != nil {
			s.text(",")
		}
		s.member("reason", reason)
	}
	s.done()
}

// tagged puts none to three tags on, and takes one off again now and then.
func (s *script) tagged() {
	first := s.IntN(len(tags))
	count := min(s.IntN(5), 3)
	for i := range count {
		s.pass(4*second, .4)
		s.tag("conversation.tagged", tags[(first+i)%len(tags)])
	}
	if count > 1 && s.chance(.05) {
		s.pass(6*second, .4)
		s.tag("conversation.untagged", tags[first])
	}
}

func (s *script) tag(kind string, t named) {
	s.event(kind, s.at)
	s.named("tag", t)
	s.done()
}

// asked is a message of the visitor.
func (s *script) asked(text string) {
	s.message()
	s.text(`"author":{"kind":"VISITOR","id":"v-`)
	s.number(s.visitor.id)
	s.text(`"},`)
	s.member("text", text)
	s.done()
}

// say is a message of the operator's side.
func (s *script) say(who operator, automatic bool) {
	s.message()
	s.text(`"author":{`)
	s.member("kind", who.kind)
	s.text(`,"id":`)
	s.number(who.id)
	s.text("},")
	if automatic {
		s.text(`"automatic":true,`)
	}
	s.member("text", one(s, s.speech.operator))
	s.done()
}

func (s *script) message() {
	s.messages++
	s.lastMessage = s.at
	s.event("message.sent", s.at)
	s.text(`"messageId":"m-`)
	s.number(s.messages)
	s.text(`",`)
}

// surveyed is an answer to the survey: the happier, the better.
func (s *script) surveyed() {
	s.event("satisfaction.answered", s.at)
	mood := math.Sqrt(min(1, max(0, s.happy+.15*s.NormFloat64())))
	rated := s.chance(.9)
	if rated {
		s.text(`"customerSatisfaction":`)
		s.number(1 + int(mood*4.99))
	}
	if !rated || s.chance(.4) {
		if rated {
			s.text(",")
		}
		s.text(`"netPromoterScore":`)
		s.number(int(mood * 10.99))
	}
	if s.chance(.25) {
		said := s.speech.comments[:3]
		if mood < .6 {
			said = s.speech.comments[3:]
		}
		s.text(",")
		s.member("comment", one(s, said))
	}
	s.done()
}

func (s *script) sold(where string) {
	s.sales++
	s.sale(int(s.brand.ticket*100*math.Exp(.7*s.NormFloat64())), where)
}

// refunded takes part of a sale back.
func (s *script) refunded() {
	s.sales++
	s.sale(-int(s.brand.ticket*40*math.Exp(.3*s.NormFloat64())), "OFFSITE")
}

func (s *script) sale(cents int, where string) {
	s.event("transaction.recorded", s.at)
	s.text(`"externalConversionId":"order-`)
	s.buffer = append(s.buffer, s.conversation[:8]...)
	s.text("-")
	s.number(s.sales)
	s.text(`","amount":"`)
	s.cents(cents)
	s.text(`",`)
	s.member("currency", s.brand.currency)
	s.text(",")
	s.member("source", where)
	s.done()
}
