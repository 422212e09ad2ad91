package demo

import (
	"hash/fnv"
	"iter"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// EventsPerConversation is the approximate average number of events in a conversation.
const EventsPerConversation = 20

// Event is one event of a stream: the moment it happens, and its structured
// form as one line of JSON without the line end.
type Event struct {
	At   time.Time
	JSON []byte

	rank int64 // orders events of one instant: by conversation, then by place in it
}

// Stream is an endless sequence of conversations. It is safe for concurrent use.
type Stream struct {
	source  string
	key     uint64 // seed, name and spacing in one number
	spacing float64
	season  *season
	told    bool // whether the conversations tell the story
}

// History is a stream in which n conversations begin in a length of time, clustered in the busy hours of each week.
func History(seed uint64, n int, length time.Duration) *Stream {
	s := newStream(seed, "demo/history", length/time.Duration(max(n, 1)), weekly())
	s.told = true
	return s
}

// Live is a stream of rate events a second, spread evenly.
func Live(seed uint64, rate float64) *Stream {
	return newStream(seed, "demo/live", time.Duration(EventsPerConversation/rate*float64(time.Second)), steady())
}

func newStream(seed uint64, source string, spacing time.Duration, season *season) *Stream {
	h := fnv.New64a()
	h.Write([]byte(source))
	h.Write(strconv.AppendUint(nil, seed, 10))
	h.Write([]byte{0})
	h.Write(strconv.AppendInt(nil, int64(spacing), 10))
	return &Stream{source: source, key: h.Sum64(), spacing: float64(max(spacing, 1)) / float64(week), season: season}
}

// Start is when conversation n begins.
func (s *Stream) Start(n int64) time.Time {
	jitter := rand.New(rand.NewPCG(^s.key, uint64(n))).Float64()
	return s.season.clock((float64(n) + jitter) * s.spacing).Truncate(time.Millisecond)
}

// Last is the number of the last conversation that begins at t or before.
func (s *Stream) Last(t time.Time) int64 {
	n := int64(s.season.busy(t)/s.spacing) + 1
	for s.Start(n).After(t) {
		n--
	}
	return n
}

// Conversation appends the events of conversation n in order of time.
func (s *Stream) Conversation(events []Event, n int64) []Event {
	return newScript(s).play(events, n)
}

// late is the age of a conversation after which its events count as late: they are kept apart from
// the others until their turn.
const late = time.Hour

// Between returns the events of the conversations from number first on, in order
// of time over all conversations, up to the requested moment. The caller owns the JSON.
func (s *Stream) Between(first int64, until time.Time) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		var waiting queue
		script := newScript(s)
		var events []Event
		next, start := first, s.Start(first)
		for {
			// A conversation joins once no waiting event precedes it.
			for !start.After(until) && (len(waiting) == 0 || !waiting[0].At.Before(start)) {
				events = script.play(events[:0], next)
				for i, event := range events {
					event.rank = next<<16 | int64(i)
					if event.At.After(until) {
						break
					}
					if event.At.Sub(start) > late {
						event.JSON = slices.Clone(event.JSON)
					}
					waiting.push(event)
				}
				next++
				start = s.Start(next)
			}
			if len(waiting) == 0 {
				return
			}
			if !yield(waiting.pop()) {
				return
			}
		}
	}
}
