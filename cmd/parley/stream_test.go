package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/query/auth"
)

// follower reads a stream as a browser's EventSource does: an event counts once its empty line has come, and a new
// connection goes on at the last id.
type follower struct {
	t      *testing.T
	i      *instance
	key    *auth.Key
	table  string
	lastID string
	seen   map[string]bool
	rows   []map[string]any
}

func follow(t *testing.T, i *instance, key *auth.Key, table string) *follower {
	return &follower{t: t, i: i, key: key, table: table, lastID: "0", seen: map[string]bool{}}
}

// connect reads until a number of lines has come or enough says so, and cuts the connection.
func (f *follower) connect(lines int, enough func() bool) {
	f.t.Helper()
	ctx, cut := context.WithTimeout(f.t.Context(), seenWithin)
	defer cut()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, f.i.where.HTTP+"/v1/stream/"+f.table, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	request.Header.Set("X-Api-Id", f.key.ID)
	request.Header.Set("X-Api-Secret", f.key.Secret)
	request.Header.Set("Last-Event-ID", f.lastID)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		f.t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || !strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		f.t.Fatalf("%s: %s %v", f.table, response.Status, response.Header)
	}
	var id, data string
	read := bufio.NewScanner(response.Body)
	read.Buffer(nil, 1<<20)
	for ; lines != 0 && !enough(); lines-- {
		if !read.Scan() {
			f.t.Fatalf("%s: the stream ended at %s with %d rows: %v", f.table, f.lastID, len(f.rows), read.Err())
		}
		switch line := read.Text(); {
		case strings.HasPrefix(line, "id: "):
			id = line[len("id: "):]
		case strings.HasPrefix(line, "data: "):
			data = line[len("data: "):]
		case line == "":
			f.dispatch(id, data)
			data = ""
		}
	}
}

func (f *follower) dispatch(id, data string) {
	f.lastID = id
	if data == "" {
		return
	}
	if f.seen[id] {
		f.t.Errorf("%s: %s came twice", f.table, id)
	}
	f.seen[id] = true
	row := map[string]any{}
	if err := json.Unmarshal([]byte(data), &row); err != nil {
		f.t.Fatal(err)
	}
	f.rows = append(f.rows, row)
}

// cutOff reads with a number of connections that end at random moments, and then until enough has come.
func (f *follower) cutOff(times int, random *rand.Rand, enough func() bool) {
	for range times {
		f.connect(1+random.IntN(40), enough)
	}
	if !enough() {
		f.connect(-1, enough)
	}
}

func TestStreamsGoOnWithoutGapOrRepeat(t *testing.T) {
	i := running(t)
	const project, other, conversations = 7921, 7922, 150
	key := i.newKey(t, fmt.Sprint(project), "ingest,read")
	noise := i.newKey(t, fmt.Sprint(other), "ingest")
	id := func(n int) string { return fmt.Sprintf("7d1f9a40-5b3e-4d0c-9a51-79210000%04d", n) }
	sent := make(chan error, 1)
	go func() {
		for n := range conversations {
			for k, key := range []*auth.Key{&key, &noise} {
				of := func(number int, kind, data string) string {
					return event(project+k, id(n), fmt.Sprintf("%d-%d", n, number), kind, fmt.Sprintf("2025-01-01T10:%02d:00Z", number), data)
				}
				batches := []string{
					of(0, "conversation.opened", `{"channel":"CHAT"}`) + "\n" + of(1, "conversation.pushed", `{"toUser":{"id":1,"kind":"BOT"}}`),
					of(2, "conversation.transferred", `{}`) + "\n" + of(3, "conversation.pushed", `{"toUser":{"id":2,"kind":"PROFESSIONAL"}}`) + "\n" + of(4, "conversation.closed", `{}`),
				}
				for _, body := range batches {
					if got := i.do(t, request{method: http.MethodPost, path: "/v1/events", body: body, key: key, headers: map[string]string{"Content-Type": ndjson}}); got.status != http.StatusAccepted {
						sent <- fmt.Errorf("%s", got)
						return
					}
				}
			}
		}
		sent <- nil
	}()

	random := rand.New(rand.NewPCG(1, 2))
	events := follow(t, i, &key, "events")
	events.cutOff(100, random, func() bool { return len(events.rows) >= 5*conversations })
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	last := 0.0
	distinct := map[any]bool{}
	for _, row := range events.rows {
		if row["project_id"] != float64(project) || row["sequence"].(float64) <= last {
			t.Fatalf("out of place: %v", row)
		}
		last = row["sequence"].(float64)
		distinct[row["event_id"]] = true
	}
	if len(events.rows) != 5*conversations || len(distinct) != len(events.rows) {
		t.Errorf("%d events, %d distinct, want %d", len(events.rows), len(distinct), 5*conversations)
	}

	for table, c := range map[string]struct {
		key  string
		want int
	}{"conversations": {"conversation_id", conversations}, "contacts": {"contact_id", 2 * conversations}} {
		rows := follow(t, i, &key, table)
		latest := func() map[any]map[string]any {
			found := map[any]map[string]any{}
			for _, row := range rows.rows {
				if row["ended_at"] != nil || row["closed_at"] != nil {
					found[row[c.key]] = row
				}
			}
			return found
		}
		rows.cutOff(100, random, func() bool { return len(latest()) == c.want })
		exported := i.do(t, request{method: http.MethodGet, path: "/v1/export/" + table + "?format=ndjson", key: &key})
		for line := range strings.Lines(string(exported.body)) {
			want := map[string]any{}
			if err := json.Unmarshal([]byte(line), &want); err != nil {
				t.Fatal(err)
			}
			got := latest()[want[c.key]]
			delete(got, "position")
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: the stream says\n%v\nthe table\n%v", table, got, want)
			}
		}
	}
}

func TestStreamsRefuseWhatTheyCannotServe(t *testing.T) {
	i := running(t)
	reader, writer := i.newKey(t, "7921", "read"), i.newKey(t, "7921", "ingest")
	for name, c := range map[string]struct {
		key          *auth.Key
		method, path string
		status       int
	}{
		"no credentials":    {nil, http.MethodGet, "events", http.StatusUnauthorized},
		"wrong scope":       {&writer, http.MethodGet, "events", http.StatusForbidden},
		"unknown table":     {&reader, http.MethodGet, "visitors", http.StatusNotFound},
		"wrong method":      {&reader, http.MethodPost, "events", http.StatusMethodNotAllowed},
		"wrong position":    {&reader, http.MethodGet, "events?lastEventId=yesterday", http.StatusBadRequest},
		"wrong project":     {&reader, http.MethodGet, "events?projectIds=x", http.StatusBadRequest},
		"unknown parameter": {&reader, http.MethodGet, "events?channel=CHAT", http.StatusBadRequest},
	} {
		if got := i.do(t, request{method: c.method, path: "/v1/stream/" + c.path, key: c.key}); got.status != c.status || !json.Valid(got.body) {
			t.Errorf("%s: %s, want %d", name, got, c.status)
		}
	}
}
