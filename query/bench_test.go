package query_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/store"
	"github.com/parley-analytics/parley/query/store/storetest"
)

// sent is a request that the store made to ClickHouse.
type sent struct {
	url    string
	header http.Header
	body   string
}

// recorder is a proxy between the store and ClickHouse that keeps the requests.
type recorder struct {
	*httptest.Server
	mu       sync.Mutex
	requests []sent
}

func record(b *testing.B, server *enginetest.ClickHouseServer) *recorder {
	r := new(recorder)
	target := &url.URL{Scheme: "http", Host: server.Addr}
	proxy := httputil.NewSingleHostReverseProxy(target)
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			b.Error(err)
		}
		request.Body = io.NopCloser(strings.NewReader(string(body)))
		r.mu.Lock()
		r.requests = append(r.requests, sent{"http://" + server.Addr + request.URL.RequestURI(), request.Header.Clone(), string(body)})
		r.mu.Unlock()
		proxy.ServeHTTP(w, request)
	}))
	b.Cleanup(r.Close)
	return r
}

// replay sends the requests as the API does: the page first, then what hangs on
// it side by side.
func replay(b *testing.B, requests []sent) {
	send := func(s sent) {
		request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, s.url, strings.NewReader(s.body))
		if err != nil {
			b.Fatal(err)
		}
		request.Header = s.header.Clone()
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			b.Error(err)
			return
		}
		defer response.Body.Close()
		if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusOK {
			b.Error(response.Status, err)
		}
	}
	send(requests[0])
	var group sync.WaitGroup
	for _, s := range requests[1:] {
		group.Go(func() { send(s) })
	}
	group.Wait()
}

// BenchmarkPageOfEverything reads a page of 100 conversations with all fields
// from many, through the API and by the same SQL sent straight to ClickHouse, in
// turns, and reports both and their ratio. PARLEY_BENCH_CONVERSATIONS says how
// many conversations there are; 100,000 without it.
func BenchmarkPageOfEverything(b *testing.B) {
	count := 100_000
	if text := os.Getenv("PARLEY_BENCH_CONVERSATIONS"); text != "" {
		var err error
		if count, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	server := enginetest.ClickHouse(b)
	const version = 7
	storetest.Migrate(b, server, version)
	storetest.Many(b, server, version, count)

	recorder := record(b, server)
	open := func(address string) *query.API {
		tables, err := store.Open(store.Config{URL: address, User: server.Reader.Name, Password: server.Reader.Password})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { tables.Close() })
		api, err := query.New(query.Config{Store: tables})
		if err != nil {
			b.Fatal(err)
		}
		return api
	}
	caller := reader(1, 2, 3, 4, 5)
	document := `{ closedConversations(` + always + `) { edges { cursor node { ` + everything + ` } } pageInfo { hasNextPage endCursor } } }`
	run := func(api *query.API) {
		response := api.Schema().Exec(query.WithCaller(b.Context(), caller), document, "", nil)
		if len(response.Errors) > 0 {
			b.Fatal(response.Errors)
		}
	}
	run(open(recorder.URL))
	statements := slices.DeleteFunc(recorder.requests, func(s sent) bool { return !strings.Contains(s.body, "project_id") })

	api := open("http://" + server.Addr)
	run(api)
	replay(b, statements)
	through, straight := []time.Duration{}, []time.Duration{}
	timed := func(list *[]time.Duration, work func()) {
		began := time.Now()
		work()
		*list = append(*list, time.Since(began))
	}
	for b.Loop() {
		timed(&through, func() { run(api) })
		timed(&straight, func() { replay(b, statements) })
	}
	slices.Sort(through)
	slices.Sort(straight)
	x, y := through[len(through)/2], straight[len(straight)/2]
	b.ReportMetric(float64(x.Microseconds())/1000, "ms/api")
	b.ReportMetric(float64(y.Microseconds())/1000, "ms/sql")
	b.ReportMetric(float64(x)/float64(y), "ratio")
	b.Logf("%d conversations, %d statements: median %v through the API, %v by SQL", count, len(statements), x, y)
}
