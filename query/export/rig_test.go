package export_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/export"
	"github.com/parley-analytics/parley/query/hours"
	"github.com/parley-analytics/parley/query/store"
	"github.com/parley-analytics/parley/query/store/storetest"
	"github.com/parley-analytics/parley/schema"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// rig is exports over the tables of one random world. Projects 1, 2 and 3 hold
// conversations.
type rig struct {
	server *enginetest.ClickHouseServer
	world  *storetest.World
	store  *store.Store
	api    *query.API
}

var shared struct {
	sync.Once
	rig *rig
}

func theRig(t *testing.T) *rig {
	t.Helper()
	server := enginetest.ClickHouse(t)
	shared.Do(func() {
		storetest.Migrate(t, server, 1)
		from, to := time.Date(2020, 3, 20, 0, 0, 0, 0, time.UTC), time.Date(2020, 4, 10, 0, 0, 0, 0, time.UTC)
		world := storetest.Random(storetest.Shape{
			Seed: 11, Projects: []uint32{1, 2, 3}, Conversations: 120,
			From: storetest.Millis(from.UnixMilli()), To: storetest.Millis(to.UnixMilli()),
		})
		world.Insert(t, server, 1)
		storetest.SetPosition(t, server, 1, 100_000)
		r := &rig{server: server, world: world}
		var err error
		if r.store, err = store.Open(store.Config{URL: "http://" + server.Addr, User: server.Reader.Name, Password: server.Reader.Password, MaxRows: 50_000}); err != nil {
			t.Fatal(err)
		}
		if r.api, err = query.New(query.Config{Store: r.store, Key: []byte("a key of the tests"), Hours: workdays{}}); err != nil {
			t.Fatal(err)
		}
		shared.rig = r
	})
	if shared.rig == nil {
		t.Fatal("the tables could not be made")
	}
	return shared.rig
}

// workdays are opening hours of every project.
type workdays struct{}

func (workdays) Schedules(_ context.Context, projects schema.Projects) (map[schema.ProjectID]*hours.Schedule, error) {
	found := map[schema.ProjectID]*hours.Schedule{}
	open := []hours.Span{{From: 9 * 60, To: 17 * 60}}
	for _, project := range projects.IDs {
		found[project] = &hours.Schedule{}
		if err := found[project].Set(hours.Version{
			ValidFrom: hours.Date{Year: 2019, Month: 1, Day: 1}, TimeZone: "Europe/Paris",
			Week: hours.Week{Monday: open, Tuesday: open, Wednesday: open, Thursday: open, Friday: open},
		}); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// byHeader takes the caller's projects and scope from header fields.
type byHeader struct{}

func (byHeader) Authenticate(r *http.Request) (schema.Caller, error) {
	caller := schema.Caller{ID: "key_" + r.Header.Get("Projects"), Scopes: []schema.Scope{schema.ScopeRead}}
	switch text := r.Header.Get("Projects"); text {
	case "":
		return schema.Caller{}, errors.New("the store of credentials is down")
	case "all":
		caller.Projects.All = true
	case "ingest":
		caller.Scopes = []schema.Scope{schema.ScopeIngest}
	default:
		for id := range strings.SplitSeq(text, ",") {
			n, err := strconv.Atoi(id)
			if err != nil {
				return schema.Caller{}, err
			}
			caller.Projects.IDs = append(caller.Projects.IDs, schema.ProjectID(n))
		}
	}
	return caller, nil
}

// serve starts a server of exports.
func (r *rig) serve(t *testing.T, change func(*export.Config)) *httptest.Server {
	t.Helper()
	c := export.Config{
		Authenticator: byHeader{}, Reader: r.api, Tables: r.store,
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Metrics: prometheus.NewRegistry(),
	}
	if change != nil {
		change(&c)
	}
	h, err := export.New(c)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server
}

// answer is what came back; broken when the body was cut off.
type answer struct {
	status int
	header http.Header
	body   string
	broken error
}

func get(t *testing.T, server *httptest.Server, projects, path string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, server.URL+export.Path+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Projects", projects)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(body), err}
}

type storetestConversation = storetest.Conversation

// stay begins an export and leaves it on a signal.
func stay(t *testing.T, server *httptest.Server, projects, path string) (leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+export.Path+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Projects", projects)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	return func() { cancel(); response.Body.Close() }
}
