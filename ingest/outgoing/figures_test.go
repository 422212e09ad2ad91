package outgoing

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

// told makes records of a conversation, one of each line "SECOND TYPE DATA", in log order.
func told(t *testing.T, lines ...string) []schema.Record {
	t.Helper()
	var records []schema.Record
	for n, line := range lines {
		second, rest, _ := strings.Cut(line, " ")
		kind, data, _ := strings.Cut(rest, " ")
		event, refused := schema.Decode(fmt.Appendf(nil, `{"specversion":"1.0","id":"%d","source":"t","type":"parley.%s.v1","time":"2026-03-01T10:00:%sZ","subject":"%s","projectid":7,"data":%s}`,
			n, kind, second, chatID(1), data), time.Now())
		if refused != nil {
			t.Fatal(line, refused)
		}
		records = append(records, schema.Record{Sequence: schema.Sequence(n + 1), Event: event})
	}
	return records
}

func TestFiguresAreReportedOnceAtTheEventThatMakesThemKnown(t *testing.T) {
	all := Thresholds{LowSatisfaction: 2, WaitMs: 2000, FirstResponseMs: 3000, DurationMs: 20000}
	talk := []string{
		`00 conversation.routed {"routingRule":{"id":"r"}}`,
		`03 conversation.pushed {"toUser":{"id":42,"kind":"PROFESSIONAL"}}`,                           // 2: waited 3 s
		`04 message.sent {"messageId":"a","author":{"kind":"PROFESSIONAL","id":42},"automatic":true}`, // answers nothing
		`07 message.sent {"messageId":"b","author":{"kind":"PROFESSIONAL","id":42}}`,                  // 4: after 4 s
		`09 message.sent {"messageId":"c","author":{"kind":"PROFESSIONAL","id":42}}`,                  // not the first
		`10 conversation.closed {}`,                                                  // 6: after 10 s
		`11 conversation.closed {}`,                                                  // is closed
		`12 satisfaction.answered {"customerSatisfaction":3}`,                        // not low
		`13 satisfaction.answered {"customerSatisfaction":2}`,                        // 9
		`14 satisfaction.answered {"netPromoterScore":0}`,                            // another figure
		`15 conversation.pushed {"toUser":{"id":43,"kind":"PROFESSIONAL"}}`,          // not routed again
		`16 message.sent {"messageId":"d","author":{"kind":"PROFESSIONAL","id":43}}`, // after 1 s
		`30 conversation.closed {}`,                                                  // 13: after 30 s
		`31 satisfaction.answered {"customerSatisfaction":1}`,                        // 14
	}
	want := []occurrence{
		{ConversationClosed, 6}, {ConversationClosed, 13}, {SatisfactionLow, 9}, {SatisfactionLow, 14},
		{WaitExceeded, 2}, {FirstResponseExceeded, 4}, {DurationExceeded, 13},
	}
	records := told(t, talk...)
	if got := figuresBetween(&all, records, 0, 99); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	// Read in any portions, each is reported once.
	for size := 1; size <= len(records); size++ {
		var got []occurrence
		for at := 0; at < len(records); at += size {
			got = append(got, figuresBetween(&all, records, schema.Sequence(at), schema.Sequence(at+size))...)
		}
		for _, list := range [][]occurrence{got, want} {
			slices.SortFunc(list, func(a, b occurrence) int {
				return (&Delivery{Sequence: a.sequence, Event: a.kind}).compare(&Delivery{Sequence: b.sequence, Event: b.kind})
			})
		}
		if !slices.Equal(got, want) {
			t.Errorf("in portions of %d: %v, want %v", size, got, want)
		}
	}
	// Thresholds are not exceeded by their own value.
	exact := Thresholds{LowSatisfaction: 1, WaitMs: 3000, FirstResponseMs: 4000, DurationMs: 30000}
	if got := figuresBetween(&exact, records, 0, 99); len(got) != 3 {
		t.Errorf("by the exact values: %v", got)
	}
	// In any order of arrival, the last of the events that decide a figure makes it known.
	late := told(t, talk[3], talk[1], talk[0])
	if got := figuresBetween(&all, late, 0, 99); !slices.Equal(got, []occurrence{{WaitExceeded, 3}, {FirstResponseExceeded, 2}}) {
		t.Errorf("late: %v", got)
	}
}

func TestThePayloadAboutAFigureHasItAndNoPersonalData(t *testing.T) {
	records := told(t,
		`00 conversation.opened {"channel":"CHAT","visitor":{"id":"v","firstName":"Jane","email":"jane@example.org"}}`,
		`01 conversation.routed {"routingRule":{"id":"r"}}`,
		`05 conversation.pushed {"toUser":{"id":42,"kind":"PROFESSIONAL","name":"Liz","email":"liz@example.org"}}`,
		`06 message.sent {"messageId":"a","author":{"kind":"PROFESSIONAL","id":42},"text":"secret"}`,
		`09 conversation.closed {"reason":"DONE"}`,
	)
	rows := fold.Of(records)
	hook := &Hook{Project: 7, Thresholds: Thresholds{WaitMs: 1000}}
	body, err := renderFigure(hook, &Delivery{Event: WaitExceeded, Sequence: 3, Conversation: chatID(1)}, records, &rows)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		`"type":"waitExceeded","timestamp":"2026-03-01T10:00:05.000Z"`, `"projectId":7`, `"valueMs":4000,"thresholdMs":1000`, `"operatorId":42,"waitTimeMs":4000`,
		`"closedAt":"2026-03-01T10:00:09.000Z","durationMs":9000,"closeReason":"DONE"`,
	} {
		if !strings.Contains(string(body), part) {
			t.Errorf("%s is missing in %s", part, body)
		}
	}
	for _, personal := range []string{"Jane", "Liz", "example.org", "secret"} {
		if strings.Contains(string(body), personal) {
			t.Errorf("%s is in %s", personal, body)
		}
	}
	if !json.Valid(body) {
		t.Error("not JSON")
	}
	hook.WaitMs = 4000
	if body, err := renderFigure(hook, &Delivery{Event: WaitExceeded, Sequence: 3, Conversation: chatID(1)}, records, &rows); body != nil || err != nil {
		t.Errorf("of a figure that is within the threshold: %s, %v", body, err)
	}
}

func TestThresholdsGoWithTheirEvents(t *testing.T) {
	for _, tt := range []struct {
		events []Kind
		set    Thresholds
		fault  string
	}{
		{[]Kind{WaitExceeded}, Thresholds{WaitMs: 1}, ""},
		{[]Kind{WaitExceeded}, Thresholds{}, "wait-above"},
		{[]Kind{ConversationClosed}, Thresholds{WaitMs: 1}, "wait-above"},
		{[]Kind{WaitExceeded}, Thresholds{WaitMs: -1}, "wait-above"},
		{[]Kind{FirstResponseExceeded}, Thresholds{DurationMs: 1}, "-above"},
		{[]Kind{DurationExceeded, FirstResponseExceeded}, Thresholds{DurationMs: 1, FirstResponseMs: 1}, ""},
		{[]Kind{SatisfactionLow}, Thresholds{LowSatisfaction: 4}, ""},
		{[]Kind{SatisfactionLow}, Thresholds{LowSatisfaction: 5}, "low-satisfaction"},
		{[]Kind{SatisfactionLow}, Thresholds{}, "low-satisfaction"},
		{[]Kind{ChatStarted}, Thresholds{LowSatisfaction: 2}, "low-satisfaction"},
	} {
		err := (&Hook{URL: "https://example.org/", Events: tt.events, Thresholds: tt.set}).check()
		if (err == nil) != (tt.fault == "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
			t.Errorf("%v %+v: %v, want %q", tt.events, tt.set, err, tt.fault)
		}
	}
}
