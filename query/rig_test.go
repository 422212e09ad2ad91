package query_test

import (
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	graphql "github.com/graph-gophers/graphql-go"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/store"
	"github.com/parley-analytics/parley/query/store/storetest"
	"github.com/parley-analytics/parley/schema"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// rig is an API over the tables of one random world, shared by the tests of the
// package: they only read. Projects 1, 2 and 3 hold conversations of spring 2020, project 9999 some of its June.
type rig struct {
	server *enginetest.ClickHouseServer
	world  *storetest.World
	store  *store.Store
	api    *query.API
	logged *strings.Builder
}

const (
	projection = 1
	position   = 100_000
)

var shared struct {
	sync.Once
	rig *rig
}

func theRig(t *testing.T) *rig {
	t.Helper()
	server := enginetest.ClickHouse(t)
	shared.Do(func() {
		storetest.Migrate(t, server, projection)
		world := storetest.Random(storetest.Shape{
			Seed: 7, Projects: []uint32{1, 2, 3}, Conversations: 150,
			From: millis("2020-03-20T00:00:00Z"), To: millis("2020-04-10T00:00:00Z"),
		})
		world.Merge(storetest.Random(storetest.Shape{
			Seed: 8, Projects: []uint32{9999}, Conversations: 20,
			From: millis("2020-06-01T00:00:00Z"), To: millis("2020-06-01T12:00:00Z"),
		}))
		strange(world)
		world.Insert(t, server, projection)
		storetest.SetPosition(t, server, projection, position)
		r := &rig{server: server, world: world, logged: new(strings.Builder)}
		var err error
		if r.store, err = store.Open(store.Config{URL: "http://" + server.Addr, User: server.Reader.Name, Password: server.Reader.Password}); err != nil {
			t.Fatal(err)
		}
		if r.api, err = query.New(query.Config{Store: r.store, Key: []byte("a key of the tests"), Logger: slog.New(slog.NewTextHandler(r.logged, nil))}); err != nil {
			t.Fatal(err)
		}
		shared.rig = r
	})
	if shared.rig == nil {
		t.Fatal("the tables could not be made")
	}
	return shared.rig
}

// hostile are values that break out of a statement that is put together carelessly, as they are written in GraphQL.
var hostile = []string{`'); DROP TABLE parley.conversations; --`, `\\' OR 1=1 {a0:String} $where /*\n\t`}

// strange gives some conversations hostile values.
func strange(w *storetest.World) {
	tag, campaign := hostile[0], "\\' OR 1=1 {a0:String} $where /*\n\t"
	tagName, campaignName := "Tag "+tag, "Campaign "+campaign
	for i := range w.Conversations {
		c := &w.Conversations[i]
		switch i % 5 {
		case 0:
			c.TagIDs, c.TagNames = append(c.TagIDs, tag), append(c.TagNames, &tagName)
		case 1:
			c.Campaign, c.CampaignName = &campaign, &campaignName
		case 2:
			c.CustomData = map[string]string{"plan": tag, `it's \ " {a:String} $where`: campaign}
		}
	}
}

// with returns the rig with an API of its own over the same tables.
func (r *rig) with(t *testing.T, config query.Config) *rig {
	t.Helper()
	config.Store, config.Key = r.store, []byte("a key of the tests")
	api, err := query.New(config)
	if err != nil {
		t.Fatal(err)
	}
	with := *r
	with.api = api
	return &with
}

// always is an interval that holds every row.
const always = `interval: {from: "1970-01-01T00:00:00Z", to: "2199-12-31T23:59:59Z"}`

func millis(text string) storetest.Millis {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return storetest.Millis(at.UnixMilli())
}

// reader is a caller who may read the projects; none means all.
func reader(projects ...schema.ProjectID) schema.Caller {
	return schema.Caller{
		ID: "reader", Scopes: []schema.Scope{schema.ScopeRead},
		Projects: schema.Projects{All: len(projects) == 0, IDs: projects},
	}
}

// exec runs a query and returns the whole response with its counters.
func (r *rig) exec(t testing.TB, caller schema.Caller, document string, variables map[string]any) (*graphql.Response, *query.Stats) {
	ctx, stats := query.WithStats(query.WithCaller(t.Context(), caller))
	return r.api.Schema().Exec(ctx, document, "", variables), stats
}

// ask runs a query that must succeed and decodes its data.
func ask[D any](t *testing.T, r *rig, caller schema.Caller, document string, variables map[string]any) D {
	t.Helper()
	response, _ := r.exec(t, caller, document, variables)
	if len(response.Errors) > 0 {
		t.Fatalf("%s\n%v: %v (logged: %s)", document, variables, response.Errors[0], r.logged)
	}
	var data D
	if err := json.Unmarshal(response.Data, &data); err != nil {
		t.Fatalf("%s: %v", response.Data, err)
	}
	return data
}

// refused runs a query that must fail with the code and returns the message.
func refused(t *testing.T, r *rig, caller schema.Caller, code query.Code, document string, variables map[string]any) string {
	t.Helper()
	response, _ := r.exec(t, caller, document, variables)
	if len(response.Errors) == 0 {
		t.Fatalf("%s %v: answered %s", document, variables, response.Data)
	}
	if got := response.Errors[0].Extensions["code"]; got != string(code) {
		t.Fatalf("%s %v: code %v (%v), want %s", document, variables, got, response.Errors[0], code)
	}
	return response.Errors[0].Message
}
