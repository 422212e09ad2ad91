package query_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/store/storetest"
)

// states are the figures of a bucket that count changes of state.
type states struct {
	CreatedConversations, Closings, FirstClosings, Reopenings, OpenAtEnd, SnoozedAtEnd, UnattendedAtEnd int
}

const stateFields = ` createdConversations closings firstClosings reopenings openAtEnd snoozedAtEnd unattendedAtEnd `

// add counts what happens to a conversation from one moment to another, mark by mark, and its
// state at the end.
func (s *states) add(c *storetest.Conversation, thread []storetest.Message, from, to storetest.Millis) {
	if c.CreatedAt >= to {
		return
	}
	in := func(at storetest.Millis) int {
		if at >= from {
			return 1
		}
		return 0
	}
	s.CreatedConversations += in(c.CreatedAt)
	open, snoozed, contact, closings := true, false, false, 0
	for _, m := range c.Marks {
		if m.At >= to {
			break
		}
		switch m.Type {
		case "parley.conversation.pushed.v1":
			if !open {
				s.Reopenings += in(m.At)
			}
			open, snoozed, contact = true, false, true
		case "parley.conversation.snoozed.v1":
			snoozed, contact = snoozed || contact, false
		case "parley.conversation.transferred.v1":
			contact = false
		case "parley.conversation.closed.v1":
			if open {
				s.Closings += in(m.At)
				if closings == 0 {
					s.FirstClosings += in(m.At)
				}
				closings++
			}
			open, snoozed, contact = false, false, false
		}
	}
	asked := false
	for _, m := range thread {
		if m.SentAt < to && (m.AuthorKind == "VISITOR" || !m.Automatic) {
			asked = m.AuthorKind == "VISITOR"
		}
	}
	if open {
		s.OpenAtEnd++
		if asked {
			s.UnattendedAtEnd++
		}
	}
	if snoozed {
		s.SnoozedAtEnd++
	}
}

// restless makes conversations that are reopened, snoozed without a contact, closed twice and
// closed before they are pushed, in a project of their own.
func restless(project uint32, from storetest.Millis) *storetest.World {
	const day = 24 * 60 * 60 * 1000
	w := new(storetest.World)
	for n, marks := range []string{"pc", "psp", "pspcpc", "c", "cp", "pscc", "pccpscp", "ptsp", "s", "", "psptpcpcpc", "pps", "csps"} {
		c := storetest.Random(storetest.Shape{Seed: uint64(n), Projects: []uint32{project}, Conversations: 1, From: from + storetest.Millis(n)*day/3, To: from + storetest.Millis(n+1)*day/3}).Conversations[0]
		c.Marks, c.ClosedAt, c.ReopenCount, c.SnoozeCount = []storetest.Mark{}, nil, 0, 0
		at := c.CreatedAt
		for i, letter := range marks {
			name := map[rune]string{'p': "pushed", 's': "snoozed", 't': "transferred", 'c': "closed"}[letter]
			if i%3 > 0 {
				at += day/4 + storetest.Millis(i)
			}
			// Somebody writes with every mark; bots only automatically.
			kind := []string{"VISITOR", "BOT", "VISITOR", "EXPERT", "BOT"}[i%5]
			w.Messages = append(w.Messages, storetest.Message{
				Project: project, Conversation: c.ID, ID: fmt.Sprint(i), SentAt: at + storetest.Millis(i%2), AuthorKind: kind, Automatic: kind == "BOT",
				Position: uint32(100 + i), Version: c.Version,
			})
			c.Marks = append(c.Marks, storetest.Mark{Event: fmt.Sprint(i), At: at, Position: uint32(i), Type: "parley.conversation." + name + ".v1"})
			switch {
			case letter == 'p':
				if c.ClosedAt != nil {
					c.ReopenCount++
				}
				c.ClosedAt = nil
			case letter == 's' && i > 0 && marks[i-1] == 'p':
				c.SnoozeCount++
			case letter == 'c' && c.ClosedAt == nil:
				closed := at
				c.ClosedAt = &closed
			}
		}
		w.Conversations = append(w.Conversations, c)
	}
	return w
}

// TestStatesOverTimeEqualAnIndependentCount walks the marks of every conversation for every step.
func TestStatesOverTimeEqualAnIndependentCount(t *testing.T) {
	r := theRig(t)
	const own = 611
	world := restless(own, millis("2020-03-24T07:00:00Z"))
	world.Insert(t, r.server, projection)
	world.Merge(r.world)
	threads := map[string][]storetest.Message{}
	for _, m := range world.Messages {
		key := fmt.Sprint(m.Project, m.Conversation)
		threads[key] = append(threads[key], m)
	}
	for _, thread := range threads {
		slices.SortFunc(thread, func(a, b storetest.Message) int { return int(a.Position) - int(b.Position) })
	}
	var seen states
	for _, q := range []struct{ arguments, dimension string }{
		{"", ""}, {`step: DAY, timeZone: "Europe/Paris"`, ""}, {"step: HOUR", ""}, {"groupBy: PROJECT, step: DAY", "PROJECT"},
		{"groupBy: TAG, step: WEEK", "TAG"}, {`groupBy: CHANNEL, filters: {tagIds: "vip"}`, "CHANNEL"},
	} {
		from, to := millis("2020-03-25T06:30:00.5Z"), millis("2020-03-31T10:00:00Z")
		type bucket struct {
			From, To   *string
			Dimensions []struct{ Value *string }
			states
		}
		got := ask[struct {
			Metrics struct {
				Total   bucket
				Buckets []bucket
			}
		}](t, r, reader(1, 2, own), fmt.Sprintf(`{ metrics(interval: {from: "2020-03-25T06:30:00.5Z", to: "2020-03-31T10:00:00Z"}, %s) { total { %[2]s } buckets { from to dimensions { value } %[2]s } } }`, q.arguments, stateFields), nil).Metrics
		for i, b := range append(got.Buckets, got.Total) {
			start, end := from, to
			if b.From != nil {
				start, end = millis(*b.From), millis(*b.To)
			}
			var want states
			for j := range world.Conversations {
				c := &world.Conversations[j]
				tagged := q.dimension != "CHANNEL" || slices.Contains(c.TagIDs, "vip")
				if (c.Project <= 2 || c.Project == own) && tagged && (len(b.Dimensions) == 0 || holds(values(q.dimension, c, nil), b.Dimensions[0].Value)) {
					want.add(c, threads[fmt.Sprint(c.Project, c.ID)], start, end)
				}
			}
			if b.states != want {
				t.Fatalf("%s, bucket %d from %s: %+v, want %+v", q.arguments, i, str(b.From), b.states, want)
			}
			seen = states{seen.CreatedConversations + want.CreatedConversations, seen.Closings + want.Closings, seen.FirstClosings + want.FirstClosings,
				seen.Reopenings + want.Reopenings, seen.OpenAtEnd + want.OpenAtEnd, seen.SnoozedAtEnd + want.SnoozedAtEnd, seen.UnattendedAtEnd + want.UnattendedAtEnd}
		}
		if len(got.Buckets) == 0 {
			t.Errorf("%s: no buckets", q.arguments)
		}
	}
	if seen.Reopenings < 5 || seen.SnoozedAtEnd < 5 || seen.UnattendedAtEnd < 5 || seen.Closings == seen.FirstClosings {
		t.Errorf("the rows show too little: %+v", seen)
	}
	for _, dimension := range []string{"HOUR_OF_DAY", "DAY_OF_WEEK"} {
		for _, field := range []string{"openAtEnd", "rows(of: OPEN_AT_END)"} {
			refused(t, r, reader(1), query.CodeBadInput, `{ metrics(`+always+`, groupBy: `+dimension+`) { buckets { contacts `+field+` } } }`, nil)
		}
	}
}

// TestEveryCountOfStatesLeadsToItsConversations opens the handles of buckets, and looks at the marks and messages of
// every conversation to know which ones must be there.
func TestEveryCountOfStatesLeadsToItsConversations(t *testing.T) {
	r := theRig(t)
	const own = 612
	world := restless(own, millis("2020-03-24T07:00:00Z"))
	world.Insert(t, r.server, projection)
	world.Merge(r.world)
	threads := map[string][]storetest.Message{}
	for _, m := range world.Messages {
		key := fmt.Sprint(m.Project, m.Conversation)
		threads[key] = append(threads[key], m)
	}
	for _, thread := range threads {
		slices.SortFunc(thread, func(a, b storetest.Message) int { return int(a.Position) - int(b.Position) })
	}
	handles := ""
	for name := range statesOf() {
		handles += fmt.Sprintf(" %[1]s: rows(of: %[1]s)", name)
	}
	of := func(s states, name string) int {
		return map[string]int{
			"CREATED_CONVERSATIONS": s.CreatedConversations, "CLOSINGS": s.Closings, "FIRST_CLOSINGS": s.FirstClosings, "REOPENINGS": s.Reopenings,
			"OPEN_AT_END": s.OpenAtEnd, "SNOOZED_AT_END": s.SnoozedAtEnd, "UNATTENDED_AT_END": s.UnattendedAtEnd,
		}[name]
	}
	seen := map[string]int{}
	for _, q := range []struct{ arguments, dimension string }{
		{"", ""}, {`step: DAY, timeZone: "Europe/Paris"`, ""}, {"groupBy: PROJECT, step: WEEK", "PROJECT"}, {"groupBy: OPERATOR", "OPERATOR"}, {"groupBy: STATUS", ""},
		{`groupBy: CHANNEL, filters: {tagIds: "vip"}, step: WEEK`, "CHANNEL"},
	} {
		from, to := millis("2020-03-25T06:30:00.5Z"), millis("2020-03-31T10:00:00Z")
		buckets := ask[struct {
			Metrics struct{ Buckets []map[string]any }
		}](t, r, reader(1, 2, own), fmt.Sprintf(
			`{ metrics(interval: {from: "2020-03-25T06:30:00.5Z", to: "2020-03-31T10:00:00Z"}, %s) { buckets { from to dimensions { value } %s } } }`, q.arguments, handles+stateFields), nil).Metrics.Buckets
		for _, b := range buckets {
			start, end := from, to
			if b["from"] != nil {
				start, end = millis(b["from"].(string)), millis(b["to"].(string))
			}
			var value *string
			if q.dimension != "" {
				if text, ok := b["dimensions"].([]any)[0].(map[string]any)["value"].(string); ok {
					value = &text
				}
			}
			want := map[string][]string{}
			for j := range world.Conversations {
				c := &world.Conversations[j]
				tagged := q.dimension != "CHANNEL" || slices.Contains(c.TagIDs, "vip")
				if (c.Project > 2 && c.Project != own) || !tagged || (q.dimension != "" && !holds(values(q.dimension, c, nil), value)) {
					continue
				}
				var one states
				one.add(c, threads[fmt.Sprint(c.Project, c.ID)], start, end)
				for name := range statesOf() {
					if of(one, name) > 0 {
						want[name] = append(want[name], c.ID)
					}
				}
			}
			for name, figure := range statesOf() {
				got := ask[struct{ Conversations connection }](t, r, reader(1, 2, own), fmt.Sprintf(
					`{ conversations(%s, filters: {rows: %q}) { totalCount edges { node { id } } } }`, always, b[name]), nil).Conversations
				ids := got.ids()
				slices.Sort(ids)
				slices.Sort(want[name])
				if got.TotalCount != len(want[name]) || len(want[name]) <= 100 && !slices.Equal(ids, want[name]) {
					t.Fatalf("%s %v: %s leads to %d conversations, want %d", q.arguments, b["from"], name, got.TotalCount, len(want[name]))
				}
				// A conversation that is closed or reopened twice in a step counts twice.
				if count := int(b[figure].(float64)); count < got.TotalCount || name != "CLOSINGS" && name != "REOPENINGS" && count != got.TotalCount {
					t.Fatalf("%s %v: %d %s, %d conversations", q.arguments, b["from"], count, figure, got.TotalCount)
				}
				seen[name] += got.TotalCount
			}
		}
	}
	for name := range statesOf() {
		if seen[name] < 5 {
			t.Errorf("%s: only %d rows", name, seen[name])
		}
	}
}
