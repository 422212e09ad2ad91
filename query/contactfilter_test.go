package query_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/store/storetest"
)

// contactCase is a filter on contacts, and the same in Go.
type contactCase struct {
	filter string
	match  func(*storetest.Contact) bool
}

func between(ms *int64, least, most int64) bool { return ms != nil && *ms >= least && *ms <= most }

func contactCases() []contactCase {
	type contact = storetest.Contact
	return []contactCase{
		{``, func(*contact) bool { return true }},
		{`statuses: UNANSWERED`, func(k *contact) bool { return k.Status == "UNANSWERED" }},
		{`statuses: [ANSWERED, ONGOING]`, func(k *contact) bool { return k.Status != "UNANSWERED" }},
		{`endings: [SNOOZED, TRANSFERRED]`, func(k *contact) bool { return is(k.Ending, "SNOOZED", "TRANSFERRED") }},
		{`endings: REPUSHED`, func(k *contact) bool { return is(k.Ending, "REPUSHED") }},
		{`endingInferred: true`, func(k *contact) bool { return k.EndingInferred }},
		{`endingInferred: false`, func(k *contact) bool { return !k.EndingInferred }},
		{`waitMs: {}`, func(k *contact) bool { return k.Wait != nil }},
		{`waitMs: {min: 60000}`, func(k *contact) bool { return between(k.Wait, 60_000, 1<<60) }},
		{`waitMs: {min: 20000, max: 60000}`, func(k *contact) bool { return between(k.Wait, 20_000, 60_000) }},
		{`firstResponseMs: {max: 0}`, func(k *contact) bool { return between(k.FirstResponse, 0, 0) }},
		{`firstResponseMs: {max: 9007199254740991}`, func(k *contact) bool { return k.FirstResponse != nil }},
		{`durationMs: {max: 600000}`, func(k *contact) bool { return between(k.Duration, 0, 600_000) }},
		{`operatorKinds: [BOT, EXPERT]`, func(k *contact) bool { return k.OperatorKind == "BOT" || k.OperatorKind == "EXPERT" }},
		{`operatorKinds: VISITOR`, func(*contact) bool { return false }},
		{`ongoing: true`, func(k *contact) bool { return k.EndedAt == nil }},
		{`ongoing: false`, func(k *contact) bool { return k.EndedAt != nil }},
		{
			`statuses: UNANSWERED, waitMs: {min: 30000}, operatorKinds: [PROFESSIONAL]`,
			func(k *contact) bool {
				return k.Status == "UNANSWERED" && between(k.Wait, 30_000, 1<<60) && k.OperatorKind == "PROFESSIONAL"
			},
		},
	}
}

// TestEveryContactFilterSelectsItsRows compares contacts, the conversations that
// have such a contact, and both counts of metrics, with a count in Go; alone and
// beside a filter on conversations.
func TestEveryContactFilterSelectsItsRows(t *testing.T) {
	r := theRig(t)
	for _, filter := range contactCases() {
		for beside, also := range map[string]func(*storetest.Conversation) bool{
			``:                                      func(*storetest.Conversation) bool { return true },
			`answered: true, channels: [CHAT, SMS]`: func(c *storetest.Conversation) bool { return c.Answered && overlap([]string{c.Channel}, "CHAT", "SMS") },
		} {
			mine := func(k *storetest.Contact, c *storetest.Conversation) bool {
				return k.Project <= 3 && also(c) && filter.match(k)
			}
			contacts := r.world.Started(mine)
			with := map[string]bool{}
			for _, k := range contacts {
				with[fmt.Sprint(k.Project, k.Conversation)] = true
			}
			if filter.filter == "" {
				for i := range r.world.Conversations { // no filter asks for no contact
					c := &r.world.Conversations[i]
					with[fmt.Sprint(c.Project, c.ID)] = true
				}
			}
			has := func(c *storetest.Conversation) bool {
				return c.Project <= 3 && also(c) && with[fmt.Sprint(c.Project, c.ID)]
			}
			closed, all := r.world.Closed(has), 0
			for i := range r.world.Conversations {
				if has(&r.world.Conversations[i]) {
					all++
				}
			}
			arguments := fmt.Sprintf(`%s, contactFilters: {%s}, filters: {%s}`, always, filter.filter, beside)
			got := ask[struct {
				ClosedConversations, SearchClosedConversations, Conversations struct{ TotalCount int }
				Contacts                                                      struct {
					TotalCount int
					Edges      []struct{ Node struct{ ID string } }
				}
				Metrics struct {
					Total struct{ ClosedConversations, Contacts int }
				}
			}](t, r, reader(1, 2, 3), fmt.Sprintf(`{ closedConversations(%[1]s) { totalCount } searchClosedConversations(%[1]s) { totalCount }
				conversations(%[1]s) { totalCount } contacts(%[1]s) { totalCount edges { node { id } } }
				metrics(%[1]s) { total { closedConversations contacts } } }`, arguments), nil)
			if n := got.Contacts.TotalCount; n != len(contacts) || got.Metrics.Total.Contacts != n {
				t.Errorf("%s: %d contacts, %d in metrics, want %d", arguments, n, got.Metrics.Total.Contacts, len(contacts))
			}
			if n := got.ClosedConversations.TotalCount; n != len(closed) || got.Metrics.Total.ClosedConversations != n || got.SearchClosedConversations.TotalCount != n {
				t.Errorf("%s: %d closed conversations, %d in metrics, want %d", arguments, n, got.Metrics.Total.ClosedConversations, len(closed))
			}
			if got.Conversations.TotalCount != all {
				t.Errorf("%s: %d conversations, want %d", arguments, got.Conversations.TotalCount, all)
			}
			for i, edge := range got.Contacts.Edges {
				if edge.Node.ID != contacts[i].ID {
					t.Fatalf("%s: contact %d is %s", arguments, i, edge.Node.ID)
				}
			}
		}
	}
}

func TestBrokenContactFiltersNameTheField(t *testing.T) {
	r := theRig(t)
	for filter, message := range map[string]string{
		`waitMs: {min: -1}`:                     "contactFilters.waitMs.min: must be an integer from 0 to 9007199254740991",
		`firstResponseMs: {max: 1.5}`:           "contactFilters.firstResponseMs.max: must be an integer from 0 to 9007199254740991",
		`durationMs: {min: 2, max: 1}`:          "contactFilters.durationMs: min must not be above max",
		`ongoing: true, waitMs: {min: "60000"}`: "contactFilters.waitMs.min: must be an integer from 0 to 9007199254740991",
	} {
		for _, field := range []string{"closedConversations", "searchClosedConversations", "conversations", "contacts"} {
			document := fmt.Sprintf("{ %s(%s, contactFilters: {%s}) { totalCount } }", field, always, filter)
			if got := refused(t, r, reader(1), query.CodeBadInput, document, nil); got != message {
				t.Errorf("%s: %q, want %q", document, got, message)
			}
		}
	}
}

// TestConversationsAreListedByCreationAndState walks pages in both orders and
// compares each state with the rows.
func TestConversationsAreListedByCreationAndState(t *testing.T) {
	r := theRig(t)
	from, to := millis("2020-03-23T00:00:00Z"), millis("2020-04-05T12:00:00Z")
	open := func(c *storetest.Conversation) bool { return c.ClosedAt == nil }
	snoozed := func(c *storetest.Conversation) bool {
		return open(c) && len(r.world.Started(func(k *storetest.Contact, of *storetest.Conversation) bool {
			return of == c && k.Ordinal == c.ContactCount && is(k.Ending, "SNOOZED")
		})) == 1
	}
	waiting := func(c *storetest.Conversation) bool {
		return open(c) && !snoozed(c) && len(r.world.Started(func(k *storetest.Contact, of *storetest.Conversation) bool {
			return of == c && k.EndedAt == nil
		})) == 0
	}
	for state, match := range map[string]func(*storetest.Conversation) bool{
		", state: WAITING": waiting, "": func(*storetest.Conversation) bool { return true }, ", state: OPEN": open, ", state: SNOOZED": snoozed,
		", state: CLOSED": func(c *storetest.Conversation) bool { return c.ClosedAt != nil },
	} {
		var want []*storetest.Conversation
		for i := range r.world.Conversations {
			if c := &r.world.Conversations[i]; c.Project <= 2 && c.CreatedAt >= from && c.CreatedAt < to && match(c) {
				want = append(want, c)
			}
		}
		slices.SortFunc(want, func(a, b *storetest.Conversation) int {
			return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.Project, b.Project), cmp.Compare(a.ID, b.ID))
		})
		if len(want) < 5 {
			t.Fatalf("only %d conversations%s", len(want), state)
		}
		for _, order := range []string{"CREATED_AT_ASC", "CREATED_AT_DESC"} {
			var got []string
			after := ""
			for {
				page := ask[struct{ Conversations connection }](t, r, reader(1, 2), fmt.Sprintf(
					`{ conversations(interval: {from: "2020-03-23T00:00:00Z", to: "2020-04-05T12:00:00Z"}%s, orderBy: %s, first: 7%s) {
						totalCount pageInfo { hasNextPage hasPreviousPage endCursor } edges { cursor node { id } } } }`, state, order, after), nil).Conversations
				if page.TotalCount != len(want) {
					t.Fatalf("%s: %d conversations, want %d", state, page.TotalCount, len(want))
				}
				for _, edge := range page.Edges {
					got = append(got, edge.Node.ID)
				}
				if !page.PageInfo.HasNextPage {
					break
				}
				after = fmt.Sprintf(", after: %q", *page.PageInfo.EndCursor)
			}
			if order == "CREATED_AT_DESC" {
				slices.Reverse(got)
			}
			for i := range want {
				if len(got) != len(want) || got[i] != want[i].ID {
					t.Fatalf("%s %s: %d rows, want %d; row %d differs", state, order, len(got), len(want), i)
				}
			}
		}
	}
}
