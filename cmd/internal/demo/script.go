package demo

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Times of a script are milliseconds since 1970.
const (
	second int64 = 1000
	minute       = 60 * second
	hour         = 60 * minute
	day          = 24 * hour
)

// script plays one conversation after the other, from the conversation's own random numbers.
type script struct {
	stream *Stream
	source *rand.PCG
	*rand.Rand
	pen

	brand    *brand
	speech   *speech
	language string
	channel  channel
	visitor  visitor

	at       int64 // now
	messages int

	lastMessage int64 // when it was written

	sales int
	human bool // whether a person has handled it
	happy float64

	chapter chapter
}

type visitor struct{ id, given, family int }

func newScript(s *Stream) *script {
	source := rand.NewPCG(0, 0)
	return &script{stream: s, source: source, Rand: rand.New(source), pen: pen{source: s.source}}
}

// play appends the events of conversation n in order of time.
func (s *script) play(events []Event, n int64) []Event {
	s.source.Seed(s.stream.key, uint64(n))
	s.pen.begin(s.Uint64(), s.Uint64())
	s.at = s.stream.Start(n).UnixMilli()
	s.messages, s.sales, s.human = 0, 0, false
	s.happy = s.Float64()

	s.brand = draw(s, brands)
	s.language = draw(s, s.brand.languages)
	s.speech = speeches[s.language]
	s.channel = draw(s, channels)
	s.visitor = visitor{s.IntN(1 << 20), s.IntN(len(givenNames)), s.IntN(len(familyNames))}
	s.project = s.brand.project
	s.chapter = chapter{bot: true}
	if s.stream.told {
		s.chapter = chapterAt(s.stream.Start(n))
	}
	leavers := .10
	if s.chapter.bad {
		leavers = .30
		s.happy *= .5
	}

	s.opened()
	switch share := s.Float64(); {
	case share < leavers:
		s.giveUp()
	case !s.chapter.bot && s.project == botShop:
		s.meetPeople()
	case share < .29:
		s.meetBot(false)
	case share < .52:
		s.meetBot(true)
	default:
		s.meetPeople()
	}
	s.aftermath()
	s.receipts()
	s.profiles()
	return s.pen.end(events)
}

func (s *script) chance(p float64) bool { return s.Float64() < p }

func draw[T any](s *script, from []weighted[T]) T {
	share := s.Float64()
	for _, w := range from {
		if share -= w.share; share < 0 {
			return w.value
		}
	}
	return from[len(from)-1].value
}

func one[T any](s *script, from []T) T { return from[s.IntN(len(from))] }

// pass advances the time by a log-normal duration around a median, like waiting and writing.
func (s *script) pass(median int64, spread float64) {
	s.at += 1 + int64(float64(median)*math.Exp(spread*s.NormFloat64()))
}

// write is pass at the channel's pace.
func (s *script) write(median int64, spread float64) {
	s.pass(int64(float64(median)*s.channel.pace), spread)
}

// giveUp is a visitor who leaves before anyone answers.
func (s *script) giveUp() {
	s.ask()
	if s.chance(.7) {
		s.routed(s.at+300, one(s, s.brand.groups))
	}
	s.pass(4*minute, .8)
	s.closed(nil, "VISITOR_LEFT_QUEUE")
}

// meetBot is a conversation that a bot begins, and that a person may continue.
func (s *script) meetBot(handOver bool) {
	robot := one(s, s.brand.bots)
	s.routed(s.at+40, group{rule: named{"r-bot", "Bot"}, group: named{"g-bot", "Bots"}})
	s.pass(120, .3)
	s.pushed(robot)
	s.pass(400, .3)
	s.say(robot, true)
	for range 1 + s.IntN(4) {
		s.ask()
		s.pass(1500, .4)
		s.say(robot, false)
	}
	switch {
	case !handOver:
		reason := "END_OF_BOT_SCENARIO"
		s.pass(second, .3)
		if s.chance(.35) {
			s.pass(8*minute, .3)
			reason = "VISITOR_DROPPED_OFF_SCENARIO"
		}
		s.closed(&robot, reason)
	case s.chance(.06):
		s.pass(second, .3)
		s.closed(&robot, "BOT_TRANSFER_FAILED")
	default:
		next := one(s, s.brand.groups)
		s.pass(900, .3)
		s.transferred(robot, nil, next)
		s.people(next)
	}
}

// meetPeople is a conversation that goes directly to a person.
func (s *script) meetPeople() {
	s.ask()
	s.people(one(s, s.brand.groups))
}

// people is the part handled by people, up to four contacts.
func (s *script) people(g group) {
	s.human = true
	s.routed(s.at+150, g)
	s.wait()
	who := one(s, g.staff)
	for contacts := 1; ; contacts++ {
		s.pushed(who)
		answered := s.talk(who)
		switch share := s.Float64(); {
		case contacts < 4 && share < .12:
			s.pass(20*second, .6)
			until := s.at + int64(20*float64(minute)*math.Exp(s.NormFloat64()))
			s.snoozed(who, until)
			s.at = until + int64(s.IntN(int(minute)))
			continue
		case contacts < 4 && (share < .23 || !answered && share < .7):
			g = one(s, s.brand.groups)
			previous := who
			who = one(s, g.staff)
			s.pass(15*second, .7)
			s.transferred(previous, &who, g)
			s.routed(s.at+80, g)
			s.wait()
			continue
		}
		break
	}
	s.tagged()
	s.pass(40*second, .8)
	s.closed(&who, "")
	if s.chance(.04) {
		s.reopen(who)
	}
}

// reopen is a visitor who comes back after the end.
func (s *script) reopen(who operator) {
	s.pass(3*hour, 1)
	s.ask()
	s.pass(30*second, .8)
	s.pushed(who)
	s.talk(who)
	s.pass(minute, .6)
	s.closed(&who, "")
}

// wait is the queue: short for most, long for some.
func (s *script) wait() {
	median := 12 * float64(second)
	if s.chapter.bad {
		median *= 8
	}
	s.pass(int64(median*math.Sqrt(s.channel.pace)), 1.1)
}

// talk is what visitor and operator write in one contact. It reports whether the
// operator answered.
func (s *script) talk(who operator) bool {
	if s.chance(.3) {
		s.pass(200, .2)
		s.say(who, true)
	}
	if s.chance(.05) {
		s.pass(5*minute, .5)
		return false
	}
	for range 2 + s.IntN(7) {
		s.write(28*second, .9)
		s.say(who, false)
		if s.chance(.25) {
			s.write(12*second, .6)
			s.say(who, false)
		}
		if s.chance(.85) {
			s.ask()
		}
	}
	return true
}

func (s *script) ask() {
	s.write(22*second, .9)
	s.asked(one(s, s.speech.visitor))
}

// aftermath is what follows the conversation: survey answers, sales, refunds. It draws the same
// numbers for all, so that nothing depends on what happened before.
func (s *script) aftermath() {
	closed := s.at
	if s.human && s.chance(.3) || s.chance(.05) {
		s.pass(45*second, .8)
		s.surveyed()
		if s.chance(.03) { // people click again
			s.pass(20*second, .5)
			s.surveyed()
		}
	}
	if s.human && s.chance(.13) || s.chance(.01) {
		s.at = closed
		if s.chance(.7) {
			s.pass(9*minute, 1)
			s.sold("ONSITE")
		} else {
			s.at += day + int64(s.IntN(int(8*day)))
			s.sold("OFFSITE")
		}
		if s.chance(.06) {
			s.at += 3*day + int64(s.IntN(int(10*day)))
			s.refunded()
		}
	}
}

// span is the place of an event in the pen's buffer.
type span struct {
	at       int64
	from, to int
}

// sorted turns spans into events in order of time.
func sorted(events []Event, spans []span, buffer []byte) []Event {
	slices.SortStableFunc(spans, func(a, b span) int { return int(a.at - b.at) })
	for _, s := range spans {
		events = append(events, Event{At: time.UnixMilli(s.at).UTC(), JSON: buffer[s.from:s.to:s.to]})
	}
	return events
}
