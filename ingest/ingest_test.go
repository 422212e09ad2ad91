package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/schema"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

const patience = 2 * time.Minute

// callers knows senders by the value of x-api-id.
type callers map[string]schema.Caller

type stranger struct{}

func (stranger) Error() string        { return "credentials are missing" }
func (stranger) HTTPStatus() int      { return http.StatusUnauthorized }
func (stranger) Header(h http.Header) { h.Set("WWW-Authenticate", `Bearer realm="parley"`) }

func (c callers) Authenticate(r *http.Request) (schema.Caller, error) {
	if caller, known := c[r.Header.Get("X-Api-Id")]; known {
		return caller, nil
	}
	return schema.Caller{}, stranger{}
}

func projects(ids ...schema.ProjectID) schema.Projects { return schema.Projects{IDs: ids} }

var testCallers = callers{
	"sender": {ID: "sender", Scopes: []schema.Scope{schema.ScopeIngest}, Projects: projects(1, 2)},
	"reader": {ID: "reader", Scopes: []schema.Scope{schema.ScopeRead, schema.ScopeAdmin}, Projects: schema.Projects{All: true}},
}

// rig is the edge over a real log.
type rig struct {
	t      testing.TB
	nats   *enginetest.NATSServer
	broker *eventlog.Broker
	server *Server
	http   *httptest.Server
}

func newRig(t testing.TB, change ...func(*Config)) *rig {
	t.Helper()
	return newRigOn(t, enginetest.NATS(t), change...)
}

func newRigOn(t testing.TB, nats *enginetest.NATSServer, change ...func(*Config)) *rig {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	// With a socket: a connection in process does not survive the server.
	broker, err := eventlog.Open(ctx, eventlog.Options{URL: nats.URL, User: nats.User, Password: nats.Password})
	if err != nil {
		t.Fatal(err)
	}
	config := Config{Auth: testCallers, Events: broker.Events(), Rejected: broker.Rejected()}
	for _, c := range change {
		c(&config)
	}
	r := &rig{t: t, nats: nats, broker: broker, server: New(config)}
	r.http = httptest.NewServer(r.server)
	t.Cleanup(func() {
		r.http.Close()
		r.server.Close()
		broker.Close()
	})
	return r
}

// reply is an answer, read.
type reply struct {
	status int
	header http.Header
	body   string
	Answer
	Problem
}

// post sends a body as "sender"; headers in pairs come on top.
func (r *rig) post(contentType string, body io.Reader, headers ...string) reply {
	r.t.Helper()
	request, err := http.NewRequest(http.MethodPost, r.http.URL+Path, body)
	if err != nil {
		r.t.Fatal(err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	request.Header.Set("X-Api-Id", "sender")
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			request.Header.Del(headers[i])
		} else {
			request.Header.Set(headers[i], headers[i+1])
		}
	}
	return r.do(request)
}

func (r *rig) do(request *http.Request) reply {
	r.t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	a := reply{status: response.StatusCode, header: response.Header, body: string(text)}
	if err := json.Unmarshal(text, &a.Answer); err != nil {
		r.t.Fatalf("answer %s: %v", text, err)
	}
	if err := json.Unmarshal(text, &a.Problem); err != nil {
		r.t.Fatalf("answer %s: %v", text, err)
	}
	return a
}

func (r *rig) lines(events ...string) reply {
	r.t.Helper()
	return r.post(typeLines, strings.NewReader(strings.Join(events, "\n")))
}

// expect fails unless the response says that the events were accepted.
func (r *rig) expect(a reply, status, accepted, duplicates int, rejected ...Rejected) {
	r.t.Helper()
	if a.status != status || a.Accepted != accepted || a.Duplicates != duplicates || len(a.Rejected) != len(rejected) {
		r.t.Fatalf("answer %d %s; want %d with %d accepted, %d duplicates, %d rejected",
			a.status, a.body, status, accepted, duplicates, len(rejected))
	}
	for i, want := range rejected {
		got := a.Rejected[i]
		if got.Index != want.Index || got.Code != want.Code || got.Message == "" ||
			(got.ID == nil) != (want.ID == nil) || got.ID != nil && *got.ID != *want.ID {
			r.t.Fatalf("rejected %d: %s; want %+v", i, a.body, want)
		}
	}
	if (accepted == 0) != (a.FirstSequence == nil) || (accepted == 0) != (a.LastSequence == nil) {
		r.t.Fatalf("sequences of %d events: %s", accepted, a.body)
	}
	if accepted > 0 && *a.LastSequence-*a.FirstSequence != schema.Sequence(accepted-1) && duplicates == 0 {
		r.t.Fatalf("sequences of %d events: %s", accepted, a.body)
	}
}

// stored reads a log.
func stored(t testing.TB, s *eventlog.Stream) []schema.Entry {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	last, err := s.Last(ctx)
	if err != nil {
		t.Fatal(err)
	}
	reader := s.NewReader()
	defer reader.Close()
	var all []schema.Entry
	for at := schema.Sequence(0); at < last; {
		entries, err := reader.Read(ctx, at, 1000, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			at = e.End()
			e.Payload = bytes.Clone(e.Payload)
			all = append(all, e)
		}
	}
	return all
}

// rejections reads the rejected log.
func (r *rig) rejections() []schema.Rejected {
	r.t.Helper()
	var all []schema.Rejected
	for _, e := range stored(r.t, r.broker.Rejected()) {
		one, err := schema.DecodeRejected(e.Payload)
		if err != nil {
			r.t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

const conversation = "0b6f4b2e-7c1e-4a53-9d52-0d7a4c9b1e10"

// event writes a valid event; edits in pairs replace text in it.
func event(id string, edits ...string) string {
	text := fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/test","type":"parley.conversation.closed.v1",`+
		`"time":"2026-01-02T03:04:05.678Z","subject":"%s","projectid":1,"data":{"reason":"DONE"}}`, id, conversation)
	for i := 0; i < len(edits); i += 2 {
		if !strings.Contains(text, edits[i]) {
			panic("no " + edits[i])
		}
		text = strings.Replace(text, edits[i], edits[i+1], 1)
	}
	return text
}

func named(index int, id string, code schema.Code) Rejected {
	return Rejected{Index: index, ID: &id, Code: code}
}

func nameless(index int, code schema.Code) Rejected { return Rejected{Index: index, Code: code} }
