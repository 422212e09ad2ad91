package demo

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/parley-analytics/parley/schema"
)

var until = time.Date(2026, time.March, 2, 15, 0, 0, 0, time.UTC)

func window(t testing.TB, s *Stream, n int64) []Event {
	t.Helper()
	last := s.Last(until)
	return slices.Collect(s.Between(last-n+1, until))
}

func TestSameSeedGivesSameBytes(t *testing.T) {
	a, b := window(t, History(7, 500, 30*24*time.Hour), 500), window(t, History(7, 500, 30*24*time.Hour), 500)
	if len(a) == 0 || !slices.EqualFunc(a, b, func(x, y Event) bool { return x.At.Equal(y.At) && string(x.JSON) == string(y.JSON) }) {
		t.Fatalf("two runs differ: %d and %d events", len(a), len(b))
	}
	c := window(t, History(8, 500, 30*24*time.Hour), 500)
	if string(a[0].JSON) == string(c[0].JSON) {
		t.Fatal("another seed gives the same event")
	}
}

func TestLaterWindowAgreesWhereBothLie(t *testing.T) {
	s := History(7, 2000, 7*24*time.Hour)
	first := s.Last(until) - 1999
	early := slices.Collect(s.Between(first, until))
	later := slices.Collect(s.Between(first, until.Add(24*time.Hour)))
	if len(later) <= len(early) {
		t.Fatalf("a day more gives %d events after %d", len(later), len(early))
	}
	for i, e := range early {
		if string(e.JSON) != string(later[i].JSON) {
			t.Fatalf("event %d differs: %s and %s", i, e.JSON, later[i].JSON)
		}
	}
}

func TestEventsAreInOrderInTheWindowAndOnce(t *testing.T) {
	s := History(1, 3000, 14*24*time.Hour)
	events := window(t, s, 3000)
	ids := make(map[string]bool)
	for i, e := range events {
		if i > 0 && e.At.Before(events[i-1].At) {
			t.Fatalf("event %d comes before the one in front of it", i)
		}
		if e.At.After(until) {
			t.Fatalf("event %d comes after the window", i)
		}
		var event struct {
			ID   string
			Time time.Time
		}
		if err := json.Unmarshal(e.JSON, &event); err != nil {
			t.Fatalf("%v: %s", err, e.JSON)
		}
		if ids[event.ID] {
			t.Fatalf("id %s twice", event.ID)
		}
		ids[event.ID] = true
		if _, err := schema.Decode(e.JSON, until); err != nil {
			t.Fatalf("%v: %s", err, e.JSON)
		}
		if !event.Time.Equal(e.At) {
			t.Fatalf("time %s, but At %s", event.Time, e.At)
		}
	}
	if begin := s.Start(s.Last(until) - 2999); until.Sub(begin) < 13*24*time.Hour || until.Sub(begin) > 15*24*time.Hour {
		t.Errorf("3000 conversations began over %s, want about 14 days", until.Sub(begin))
	}
}

func TestStreamIsAsRealisticAsPromised(t *testing.T) {
	const n = 5000
	s := History(3, n, 30*24*time.Hour)
	types, projects := make(map[schema.Type]int), make(map[int]int)
	var count, bytes int
	reopened, pushes := 0, make(map[int]int)
	var events []Event
	for i := range int64(n) {
		events = s.Conversation(events[:0], i)
		contacts, closings := 0, 0
		for _, e := range events {
			var event struct {
				Type      schema.Type
				ProjectID int
			}
			if err := json.Unmarshal(e.JSON, &event); err != nil {
				t.Fatalf("%v: %s", err, e.JSON)
			}
			types[event.Type]++
			projects[event.ProjectID]++
			count++
			bytes += len(e.JSON)
			switch event.Type {
			case schema.TypePushed:
				contacts++
			case schema.TypeClosed:
				closings++
			}
		}
		pushes[contacts]++
		if closings > 1 {
			reopened++
		}
	}
	for _, kind := range schema.Types() {
		if types[kind] < 10 {
			t.Errorf("%d events of type %s", types[kind], kind)
		}
	}
	if projects[9999] == 0 || len(projects) < 3 {
		t.Errorf("projects: %v", projects)
	}
	if mean := float64(count) / n; mean < EventsPerConversation-2 || mean > EventsPerConversation+2 {
		t.Errorf("%.1f events a conversation, want about %d", mean, EventsPerConversation)
	}
	if mean := bytes / count; mean < 360 || mean > 440 {
		t.Errorf("%d bytes an event, want about 400", mean)
	}
	for contacts := range 5 {
		if pushes[contacts] == 0 {
			t.Errorf("no conversation with %d contacts", contacts)
		}
	}
	if reopened < n/100 {
		t.Errorf("%d of %d conversations reopened", reopened, n)
	}
	t.Logf("%.1f events a conversation, %d bytes an event, contacts %v, %d reopened, types %v", float64(count)/n, bytes/count, pushes, reopened, types)
}

func TestBusyHoursAreBusier(t *testing.T) {
	s := weekly()
	for _, weeks := range []float64{0, .1, .5, 1, 400.25, 431.999} {
		if back := s.busy(s.clock(weeks)); back < weeks-1e-6 || back > weeks+1e-6 {
			t.Errorf("busy(clock(%v)) = %v", weeks, back)
		}
	}
	monday := epoch.Add(100 * week)
	night := s.busy(monday.Add(5*time.Hour)) - s.busy(monday.Add(2*time.Hour))
	noon := s.busy(monday.Add(13*time.Hour)) - s.busy(monday.Add(10*time.Hour))
	sunday := s.busy(monday.Add(6*24*time.Hour+13*time.Hour)) - s.busy(monday.Add(6*24*time.Hour+10*time.Hour))
	if noon < 10*night || noon < 2*sunday {
		t.Errorf("shares of a week: night %v, noon %v, sunday noon %v", night, noon, sunday)
	}
}

func TestLiveStreamHasTheRateAskedFor(t *testing.T) {
	s := Live(1, 50)
	n := s.Last(until) - s.Last(until.Add(-time.Hour))
	if n < 50*3600/EventsPerConversation-2 || n > 50*3600/EventsPerConversation+2 {
		t.Errorf("%d conversations an hour begin at 50 events a second", n)
	}
}

func BenchmarkStream(b *testing.B) {
	s := History(1, 50_000, 30*24*time.Hour)
	first := s.Last(until) - 49_999
	bytes, made := 0, 0
	b.ReportAllocs()
	for made < b.N {
		for e := range s.Between(first, until) {
			bytes += len(e.JSON)
			if made++; made == b.N {
				break
			}
		}
	}
	b.SetBytes(int64(bytes / b.N))
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
