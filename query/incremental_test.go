package query_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/store"
	"github.com/parley-analytics/parley/query/store/storetest"
	"github.com/parley-analytics/parley/schema"
)

// pinned is a store whose live projection the test moves on.
type pinned struct {
	*store.Store
	live query.Live
}

func (p *pinned) Live(context.Context) (query.Live, error) { return p.live, nil }

func (p *pinned) Position(context.Context, uint32) (schema.Sequence, error) {
	return p.live.Position, nil
}

func (p *pinned) Written(context.Context, uint32) (schema.Sequence, error) {
	return p.live.Written, nil
}

// TestIncrementalReadsMissNoChange lets rows change, and move in the order,
// while their list is read page by page, in rounds that continue from each
// other's positions. In the end the reader holds the last version of every row.
func TestIncrementalReadsMissNoChange(t *testing.T) {
	shared := theRig(t)
	const other = 2
	for _, table := range []string{"conversations", "contacts", "messages", "customer_conversations", "customers"} {
		shared.server.Exec(t, "CREATE DATABASE IF NOT EXISTS parley_2 ENGINE = Atomic")
		shared.server.Exec(t, "CREATE TABLE parley_2."+table+" AS parley_1."+table)
	}
	world := storetest.Random(storetest.Shape{
		Seed: 11, Projects: []uint32{1}, Conversations: 120, From: millis("2020-03-20T00:00:00Z"), To: millis("2020-04-10T00:00:00Z"),
	})
	world.Messages, world.Texts, world.Visitors, world.Transactions = nil, nil, nil, nil
	world.Insert(t, shared.server, other)
	tables := &pinned{shared.store, query.Live{Projection: other}}
	var sequence uint64
	for i := range world.Conversations {
		sequence = max(sequence, world.Conversations[i].LastSequence)
	}
	tables.live.Position, tables.live.Written = schema.Sequence(sequence), schema.Sequence(sequence)
	api, err := query.New(query.Config{Store: tables})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{server: shared.server, world: world, store: shared.store, api: api, logged: shared.logged}
	dice := rand.New(rand.NewPCG(12, 13))

	// change writes new versions of some closed conversations and their contacts,
	// as the projector would: the rows first, then the position.
	change := func() {
		changed := new(storetest.World)
		for range 1 + dice.IntN(4) {
			c := &world.Conversations[dice.IntN(len(world.Conversations))]
			if c.ClosedAt == nil {
				continue
			}
			sequence++
			closed := *c.ClosedAt + storetest.Millis(dice.Int64N(10*86_400_000)-5*86_400_000)
			c.ClosedAt, c.Version, c.LastSequence = &closed, sequence, sequence
			changed.Conversations = append(changed.Conversations, *c)
			for i := range world.Contacts {
				if k := &world.Contacts[i]; k.Conversation == c.ID {
					k.Version = sequence
					changed.Contacts = append(changed.Contacts, *k)
				}
			}
		}
		changed.Insert(t, shared.server, other)
		tables.live.Position, tables.live.Written = schema.Sequence(sequence), schema.Sequence(sequence)
	}

	held := map[string]map[string]uint64{"closedConversations": {}, "contacts": {}}
	positions := map[string]string{}
	for round := range 8 {
		for field, rows := range held {
			filters := ""
			if positions[field] != "" {
				filters = fmt.Sprintf(", filters: {updatedSince: %q}", positions[field])
			}
			version := "lastSequence"
			if field == "contacts" {
				version = "conversation { lastSequence }"
			}
			began := ""
			for more := ""; ; {
				document := fmt.Sprintf("{ list: %s(%s%s, first: %d%s) { position pageInfo { hasNextPage endCursor } edges { node { id %s } } } }", field, always, filters, 1+dice.IntN(40), more, version)
				got := ask[struct {
					List struct {
						Position string
						PageInfo struct {
							HasNextPage bool
							EndCursor   *string
						}
						Edges []struct {
							Node struct {
								ID           string
								LastSequence uint64
								Conversation struct{ LastSequence uint64 }
							}
						}
					}
				}](t, r, reader(1), document, nil).List
				for _, e := range got.Edges {
					rows[e.Node.ID] = max(e.Node.LastSequence, e.Node.Conversation.LastSequence)
				}
				if began == "" {
					began = got.Position
				}
				if got.Position != began {
					t.Fatalf("%s: the position moves from page to page", field)
				}
				if round < 7 {
					change()
				}
				if !got.PageInfo.HasNextPage {
					break
				}
				more = fmt.Sprintf(", after: %q", *got.PageInfo.EndCursor)
			}
			positions[field] = began
		}
	}
	want := map[string]map[string]uint64{"closedConversations": {}, "contacts": {}}
	for _, c := range world.Closed(func(*storetest.Conversation) bool { return true }) {
		want["closedConversations"][c.ID] = c.LastSequence
	}
	for _, k := range world.Started(func(*storetest.Contact, *storetest.Conversation) bool { return true }) {
		want["contacts"][k.ID] = k.Version
	}
	for field := range want {
		if !maps.Equal(held[field], want[field]) {
			for id, version := range want[field] {
				if held[field][id] != version {
					t.Errorf("%s: %s is held at %d, want %d", field, id, held[field][id], version)
				}
			}
			t.Errorf("%s: %d rows are held, want %d", field, len(held[field]), len(want[field]))
		}
	}
}

// TestAnIncrementalReadOfNothingNewIsEmpty continues from the end.
func TestAnIncrementalReadOfNothingNewIsEmpty(t *testing.T) {
	r := theRig(t)
	first := ask[struct{ ClosedConversations connection }](t, r, reader(1), `{ closedConversations(`+always+`) { position } }`, nil)
	got := ask[struct{ ClosedConversations, Contacts connection }](t, r, reader(1), fmt.Sprintf(
		`{ closedConversations(%[1]s, filters: {updatedSince: %[2]q}) { totalCount edges { node { id } } } contacts(%[1]s, filters: {updatedSince: %[2]q}) { totalCount } }`,
		always, first.ClosedConversations.Position), nil)
	if got.ClosedConversations.TotalCount+got.Contacts.TotalCount+len(got.ClosedConversations.Edges) > 0 {
		t.Errorf("%+v", got)
	}
}
