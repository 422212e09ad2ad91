package query_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/store/storetest"
	"github.com/parley-analytics/parley/schema"
)

// connection is what pages of every list look like.
type connection struct {
	TotalCount int
	Position   string
	PageInfo   struct {
		HasNextPage, HasPreviousPage bool
		StartCursor, EndCursor       *string
	}
	Edges []struct {
		Cursor string
		Node   struct{ ID string }
	}
}

func (c *connection) ids() []string {
	ids := []string{}
	for _, e := range c.Edges {
		ids = append(ids, e.Node.ID)
	}
	return ids
}

// page asks for a page of a list.
func page(t *testing.T, r *rig, caller schema.Caller, field, arguments string) *connection {
	t.Helper()
	document := fmt.Sprintf("{ list: %s(%s) { pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { id } } } }", field, arguments)
	got := ask[struct{ List connection }](t, r, caller, document, nil).List
	return &got
}

// listed is one list of rows, by the ids it must give.
type listed struct {
	name, field, arguments string
	want                   []string
}

func lists(r *rig) []listed {
	conversations := func(match func(*storetest.Conversation) bool) []string {
		var ids []string
		for _, c := range r.world.Closed(match) {
			ids = append(ids, c.ID)
		}
		return ids
	}
	contacts := func(match func(*storetest.Contact, *storetest.Conversation) bool) []string {
		var ids []string
		for _, k := range r.world.Started(match) {
			ids = append(ids, k.ID)
		}
		return ids
	}
	both := conversations(func(c *storetest.Conversation) bool { return c.Project == 1 || c.Project == 2 })
	one := conversations(func(c *storetest.Conversation) bool { return c.Project == 3 })
	tagged := conversations(func(c *storetest.Conversation) bool { return c.Project <= 2 && slices.Contains(c.TagIDs, "vip") })
	started := contacts(func(k *storetest.Contact, _ *storetest.Conversation) bool { return k.Project == 1 || k.Project == 2 })
	customers := func(projects ...uint32) []string {
		var ids []string
		for _, c := range r.world.Customers() {
			if slices.Contains(projects, c.Project) {
				ids = append(ids, c.ID)
			}
		}
		return ids
	}
	var sold []string
	for _, s := range transactions(r, func(s *storetest.Transaction) bool { return s.Project <= 2 }) {
		sold = append(sold, s.ID)
	}
	reverse := func(ids []string) []string {
		ids = slices.Clone(ids)
		slices.Reverse(ids)
		return ids
	}
	return []listed{
		{"two projects", "closedConversations", always + ", filters: {projectIds: [1, 2]}", both},
		{"two projects, latest first", "closedConversations", always + ", filters: {projectIds: [1, 2]}, orderBy: CLOSED_AT_DESC", reverse(both)},
		{"one project", "closedConversations", always + ", filters: {projectIds: 3}", one},
		{"one project, latest first", "closedConversations", always + ", filters: {projectIds: 3}, orderBy: CLOSED_AT_DESC", reverse(one)},
		{"a filter", "closedConversations", always + `, filters: {projectIds: [1, 2], tagIds: "vip"}`, tagged},
		{"contacts", "contacts", always + ", filters: {projectIds: [1, 2]}", started},
		{"customers of two projects", "customers", "projectIds: [1, 2]", customers(1, 2)},
		{"customers of one project", "customers", "projectIds: 3", customers(3)},
		{"conversions", "conversions", always + ", filters: {projectIds: [1, 2]}", sold},
		{"contacts, latest first", "contacts", always + ", filters: {projectIds: [1, 2]}, orderBy: STARTED_AT_DESC", reverse(started)},
	}
}

// TestRandomWalksOverPagesSeeEveryRowOnce goes through lists in pages of random
// size, forwards and backwards.
func TestRandomWalksOverPagesSeeEveryRowOnce(t *testing.T) {
	r := theRig(t)
	dice := rand.New(rand.NewPCG(3, 4))
	for _, l := range lists(r) {
		for _, forward := range []bool{true, false} {
			count, cursor, more := "first", "after", ""
			if !forward {
				count, cursor = "last", "before"
			}
			var got []string
			for steps := 0; ; steps++ {
				size := 1 + dice.IntN(100)
				p := page(t, r, reader(1, 2, 3), l.field, fmt.Sprintf("%s, %s: %d%s", l.arguments, count, size, more))
				end, goesOn, began := p.PageInfo.EndCursor, p.PageInfo.HasNextPage, p.PageInfo.HasPreviousPage
				if !forward {
					end, goesOn, began = p.PageInfo.StartCursor, p.PageInfo.HasPreviousPage, p.PageInfo.HasNextPage
				}
				if began != (steps > 0) {
					t.Fatalf("%s: page %d says %+v", l.name, steps, p.PageInfo)
				}
				if forward {
					got = append(got, p.ids()...)
				} else {
					got = append(p.ids(), got...)
				}
				if goesOn != (len(got) < len(l.want)) || (goesOn && len(p.Edges) != size) {
					t.Fatalf("%s: after %d of %d rows the page of %d says %+v", l.name, len(got), len(l.want), len(p.Edges), p.PageInfo)
				}
				if !goesOn {
					break
				}
				more = fmt.Sprintf(", %s: %q", cursor, *end)
			}
			if !slices.Equal(got, l.want) {
				t.Fatalf("%s, forward %v: %d rows, want %d in another order", l.name, forward, len(got), len(l.want))
			}
		}
	}
}

// TestAPageBetweenTwoCursorsHoldsWhatLiesBetween picks any two rows.
func TestAPageBetweenTwoCursorsHoldsWhatLiesBetween(t *testing.T) {
	r := theRig(t)
	dice := rand.New(rand.NewPCG(5, 6))
	for _, l := range lists(r) {
		var cursors []string
		for more := ""; len(cursors) < len(l.want); {
			p := page(t, r, reader(1, 2, 3), l.field, l.arguments+more)
			for _, e := range p.Edges {
				cursors = append(cursors, e.Cursor)
			}
			more = fmt.Sprintf(", after: %q", *p.PageInfo.EndCursor)
		}
		for range 10 {
			from, to := dice.IntN(len(cursors)), dice.IntN(len(cursors))
			size := dice.IntN(30)
			want := []string{}
			if from+1 < to {
				want = l.want[from+1 : to]
			}
			between := fmt.Sprintf("%s, after: %q, before: %q", l.arguments, cursors[from], cursors[to])
			p := page(t, r, reader(1, 2, 3), l.field, fmt.Sprintf("%s, first: %d", between, size))
			if head := want[:min(size, len(want))]; !slices.Equal(p.ids(), head) {
				t.Fatalf("%s: first %d between %d and %d: %d rows, want %d", l.name, size, from, to, len(p.Edges), len(head))
			}
			p = page(t, r, reader(1, 2, 3), l.field, fmt.Sprintf("%s, last: %d", between, size))
			if tail := want[max(0, len(want)-size):]; !slices.Equal(p.ids(), tail) {
				t.Fatalf("%s: last %d between %d and %d: %d rows, want %d", l.name, size, from, to, len(p.Edges), len(tail))
			}
		}
	}
}

func TestACursorIsGoodForItsOwnListOnly(t *testing.T) {
	r := theRig(t)
	caller := reader(1, 2)
	own := always + `, filters: {projectIds: [1, 2], tagIds: ["vip", "late"]}`
	cursor := *page(t, r, caller, "closedConversations", own+", first: 3").PageInfo.EndCursor
	same := always + `, filters: {tagIds: ["late", "vip", "late"], projectIds: [2, 1]}`
	if got := page(t, r, caller, "closedConversations", fmt.Sprintf("%s, after: %q", same, cursor)); len(got.Edges) == 0 {
		t.Error("the same filter in another order is another list")
	}
	for name, use := range map[string]struct {
		caller           schema.Caller
		field, arguments string
	}{
		"field":    {caller, "searchClosedConversations", own},
		"contacts": {caller, "contacts", own},
		"filter":   {caller, "closedConversations", always + `, filters: {projectIds: [1, 2], tagIds: ["vip"]}`},
		"interval": {caller, "closedConversations", `interval: {from: "1970-01-01T00:00:00.001Z", to: "2199-12-31T23:59:59Z"}, filters: {projectIds: [1, 2], tagIds: ["vip", "late"]}`},
		"order":    {caller, "closedConversations", own + ", orderBy: CLOSED_AT_DESC"},
		"rights":   {reader(1), "closedConversations", own},
		"more":     {reader(), "closedConversations", own},
	} {
		document := fmt.Sprintf("{ %s(%s, after: %q) { pageInfo { hasNextPage } } }", use.field, use.arguments, cursor)
		message := refused(t, r, use.caller, query.CodeBadInput, document, nil)
		if message != "after: must be a cursor of the same field, filters, interval, order and rights" {
			t.Errorf("%s: %s", name, message)
		}
	}
	for i := range cursor {
		broken := []byte(cursor)
		if broken[i]++; broken[i] == '"' || broken[i] == '\\' {
			broken[i]++
		}
		for _, text := range []string{string(broken), cursor[:max(i, 1)]} { // an empty one is none
			document := fmt.Sprintf("{ closedConversations(%s, before: %q) { pageInfo { hasNextPage } } }", own, text)
			refused(t, r, caller, query.CodeBadInput, document, nil)
		}
	}
}

func TestAnEmptyPageReportsWhetherThereIsMore(t *testing.T) {
	r := theRig(t)
	p := page(t, r, reader(1), "closedConversations", always+", first: 0")
	if len(p.Edges) != 0 || !p.PageInfo.HasNextPage || p.PageInfo.StartCursor != nil {
		t.Errorf("%+v", p)
	}
	p = page(t, r, reader(77), "closedConversations", always)
	if len(p.Edges) != 0 || p.PageInfo.HasNextPage || p.PageInfo.HasPreviousPage {
		t.Errorf("%+v", p)
	}
}

// TestMessagesPageThroughTheThread puts messages and marks in one order.
func TestMessagesPageThroughTheThread(t *testing.T) {
	r := theRig(t)
	var long *storetest.Conversation
	for _, c := range r.world.Closed(func(c *storetest.Conversation) bool { return c.Project == 1 }) {
		if long == nil || c.VisitorMessages+c.OperatorMessages > long.VisitorMessages+long.OperatorMessages {
			long = c
		}
	}
	type place struct {
		position uint32
		id       string
	}
	var want []place
	for _, m := range r.world.Messages {
		if m.Project == long.Project && m.Conversation == long.ID {
			want = append(want, place{m.Position, m.ID})
		}
	}
	for _, m := range long.Marks {
		want = append(want, place{m.Position, m.Event})
	}
	slices.SortFunc(want, func(a, b place) int { return int(a.position) - int(b.position) })
	for _, size := range []int{1, 2, 3, 100} {
		for _, forward := range []bool{true, false} {
			count, cursor, more := "first", "after", ""
			if !forward {
				count, cursor = "last", "before"
			}
			got := []string{}
			for {
				document := fmt.Sprintf(`{ conversation(id: %q) { messages(%s: %d%s) { totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { id } } } } }`, long.ID, count, size, more)
				m := ask[struct {
					Conversation struct{ Messages connection }
				}](t, r, reader(1), document, nil).Conversation.Messages
				if m.TotalCount != len(want) {
					t.Fatalf("%d messages in all, want %d", m.TotalCount, len(want))
				}
				if forward {
					got = append(got, m.ids()...)
				} else {
					got = append(m.ids(), got...)
				}
				end, goesOn := m.PageInfo.EndCursor, m.PageInfo.HasNextPage
				if !forward {
					end, goesOn = m.PageInfo.StartCursor, m.PageInfo.HasPreviousPage
				}
				if !goesOn {
					break
				}
				more = fmt.Sprintf(", %s: %q", cursor, *end)
			}
			if len(got) != len(want) {
				t.Fatalf("%d messages, want %d", len(got), len(want))
			}
			for i := range want {
				if got[i] != want[i].id {
					t.Fatalf("pages of %d, forward %v: message %d is %s, want %s", size, forward, i, got[i], want[i].id)
				}
			}
		}
	}
}
