package stream_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/store"
	"github.com/parley-analytics/parley/query/stream"
	"github.com/parley-analytics/parley/schema"
)

// growing is a table with a large event at every sequence, and more whenever somebody waits.
type growing struct{ position atomic.Uint64 }

func (g *growing) Live(context.Context) (query.Live, error) {
	return query.Live{Projection: 1, Position: schema.Sequence(g.position.Load())}, nil
}

func (g *growing) Await(ctx context.Context, sequence schema.Sequence) (query.Live, error) {
	g.position.Store(uint64(sequence) + 9)
	live, _ := g.Live(ctx)
	return live, ctx.Err()
}

func (g *growing) Changes(_ context.Context, _ query.Table, _ query.Scope, after, upTo schema.Sequence, limit int) ([]stream.Change, error) {
	var changes []stream.Change
	row := bytes.Repeat([]byte("x"), 100<<10)
	for at := after + 1; at <= upTo && len(changes) < limit; at++ {
		changes = append(changes, stream.Change{At: stream.Position{Sequence: at}, Project: 1, Row: row})
	}
	return changes, nil
}

type anyone struct{}

func (anyone) Authenticate(*http.Request) (schema.Caller, error) {
	return schema.Caller{ID: "key", Scopes: []schema.Scope{schema.ScopeRead}, Projects: schema.Projects{All: true}}, nil
}

// dropped reads the counter of slow readers.
func dropped(t *testing.T, registry *prometheus.Registry) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "parley_stream_dropped_total" {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatal("there is no counter")
	return 0
}

func TestASlowReaderIsDroppedAndGoesOnWithoutGap(t *testing.T) {
	tables, err := store.Open(store.Config{URL: "http://127.0.0.1:1"}) // filters are read, no statement is sent
	if err != nil {
		t.Fatal(err)
	}
	defer tables.Close()
	api, err := query.New(query.Config{Store: tables})
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	handler, err := stream.New(stream.Config{Authenticator: anyone{}, Reader: api, Tables: &growing{}, Logger: slog.New(slog.DiscardHandler), Metrics: registry})
	if err != nil {
		t.Fatal(err)
	}
	running := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() { running <- handler.Run(ctx) }()
	server := httptest.NewServer(handler)
	defer server.Close()
	defer handler.Close()

	connect := func(last string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+stream.Path+"events?lastEventId="+last, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		return response
	}
	slow := connect("0")
	for end := time.Now().Add(2 * time.Minute); dropped(t, registry) == 0; {
		if time.Now().After(end) {
			t.Fatal("the reader is not dropped")
		}
		<-time.After(10 * time.Millisecond)
	}

	next, last, said := 1, "", false
	read := func(response *http.Response, most int) {
		defer response.Body.Close()
		lines := bufio.NewScanner(response.Body)
		lines.Buffer(nil, 1<<20)
		id := ""
		for lines.Scan() && next < most {
			switch line := lines.Text(); {
			case strings.HasPrefix(line, ": too slow"):
				said = true
			case strings.HasPrefix(line, "id: "):
				id = line[len("id: "):]
				if said {
					last = id
				}
			case strings.HasPrefix(line, "data: "):
				if id != strconv.Itoa(next) {
					t.Fatalf("%s comes where %d has to", id, next)
				}
				last = id
				next++
			}
		}
	}
	read(slow, 1<<30)
	if !said || last != fmt.Sprint(next-1) {
		t.Errorf("dropped at %q behind %d: said %v", last, next-1, said)
	}
	read(connect(last), next+50)

	stop()
	if err := <-running; err != nil {
		t.Error(err)
	}
}
