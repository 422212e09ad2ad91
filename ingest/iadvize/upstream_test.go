package iadvize

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-analytics/parley/ingest"
	"github.com/parley-analytics/parley/ingest/client"
	"github.com/parley-analytics/parley/schema"
)

var firstClose = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// upstream is an API of n conversations that closed a minute after each other.
// Its answers pass through hooks that do harm.
type upstream struct {
	n       int
	granted string // answer to a request for a token

	token func(w http.ResponseWriter) bool                        // answers instead, where it returns true
	query func(w http.ResponseWriter, v variables) bool           // the same
	row   func(n int, v variables) string                         // instead of a conversation; "" leaves it
	page  func(v variables, end string, more bool) (string, bool) // another cursor and end
	extra func(v variables) string                                // errors beside the data

	tokens, pages int
}

type variables struct {
	From, To time.Time
	First    int
	After    string
	ID       string
	Projects []int
}

func idOf(n int) string { return fmt.Sprintf("11111111-1111-4111-8111-%012d", n) }

func rowOf(n, project int) string {
	closed := firstClose.Add(time.Duration(n) * time.Minute)
	at := func(before time.Duration) string { return closed.Add(-before).Format(time.RFC3339) }
	return fmt.Sprintf(`{"id": %q, "project": {"id": %d}, "createdAt": %q, "closedAt": %q, "channel": "CHAT", "visitor": {"id": "v"},
		"messages": {"pageInfo": {"hasNextPage": false}, "edges": [
			{"node": {"__typename": "SystemMessage", "createdAt": %q, "toUser": {"id": 5}, "attachment": {"__typename": "ConversationPushedSystemAttachment"}}},
			{"node": {"__typename": "SystemMessage", "createdAt": %q, "attachment": {"__typename": "ConversationClosedSystemAttachment"}}}]}}`,
		idOf(n), project, at(10*time.Second), at(0), at(9*time.Second), at(0))
}

// RoundTrip implements http.RoundTripper.
func (u *upstream) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	u.serve(w, r)
	return w.Result(), nil
}

func (u *upstream) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/oauth2/token" {
		u.tokens++
		if u.token != nil && u.token(w) {
			return
		}
		granted := u.granted
		if granted == "" {
			granted = `{"access_token": "t", "expires_in": 86400}`
		}
		fmt.Fprint(w, granted)
		return
	}
	var asked struct {
		Query     string
		Variables variables
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		panic(err)
	}
	v := asked.Variables
	if strings.HasPrefix(asked.Query, "query Types") {
		fmt.Fprint(w, `{"errors": [{"message": "no introspection"}]}`)
		return
	}
	u.pages++
	if u.query != nil && u.query(w, v) {
		return
	}
	var found []int
	for n := range u.n {
		if closed := firstClose.Add(time.Duration(n) * time.Minute); !closed.Before(v.From) && closed.Before(v.To) {
			found = append(found, n)
		}
	}
	if v.After != "" {
		after, err := strconv.Atoi(v.After)
		if err != nil {
			fmt.Fprint(w, `{"errors": [{"message": "bad cursor", "extensions": {"code": "BAD_USER_INPUT"}}]}`)
			return
		}
		found = slices.DeleteFunc(found, func(n int) bool { return n <= after })
	}
	total := len(found)
	more := total > v.First
	found = found[:min(total, v.First)]
	var edges []string
	end := ""
	for _, n := range found {
		row := ""
		if u.row != nil {
			row = u.row(n, v)
		}
		if row == "" {
			row = rowOf(n, 7)
		}
		edges = append(edges, `{"node": `+row+`}`)
		end = strconv.Itoa(n)
	}
	if u.page != nil {
		end, more = u.page(v, end, more)
	}
	beside := ""
	if u.extra != nil {
		beside = u.extra(v)
	}
	fmt.Fprintf(w, `{"data": {"closedConversations": {"totalCount": %d, "pageInfo": {"hasNextPage": %t, "endCursor": %q}, "edges": [%s]}}%s}`,
		total, more, end, strings.Join(edges, ","), beside)
}

// taken is what reached Parley, by conversation.
type taken struct {
	events map[schema.ConversationID]map[string]bool
	fail   error
}

// Send implements importer.Sender.
func (s *taken) Send(_ context.Context, b *client.Batch) (*ingest.Answer, error) {
	if s.fail != nil {
		return nil, s.fail
	}
	for line := range bytes.Lines(b.Body()) {
		event, refused := schema.Decode(bytes.TrimSpace(line), time.Now().AddDate(100, 0, 0))
		if refused != nil {
			return nil, refused
		}
		if s.events[event.Conversation] == nil {
			s.events[event.Conversation] = make(map[string]bool)
		}
		s.events[event.Conversation][event.ID] = true
	}
	return &ingest.Answer{Accepted: b.Events()}, nil
}

// place implements importer.Place.
type place struct{ kept any }

func (p *place) Load(into any) (bool, error) {
	if p.kept == nil {
		return false, nil
	}
	reflect.ValueOf(into).Elem().Set(reflect.ValueOf(p.kept))
	return true, nil
}
func (p *place) Save(state any) error { p.kept = state; return nil }
func (p *place) Remove() error        { p.kept = nil; return nil }

// outcome is what a run came to.
type outcome struct {
	Result
	err    error
	taken  map[schema.ConversationID]map[string]bool
	spent  time.Duration
	place  *place
	notice []string
}

// missing returns which of the conversations 0 to n-1 were not imported
// completely.
func (o *outcome) missing(n int) (missing []int) {
	for i := range n {
		if len(o.taken[schema.ConversationID(idOf(i))]) != 3 {
			missing = append(missing, i)
		}
	}
	return missing
}

// imported runs an import of all conversations, of project 7 alone, with a clock
// of its own: waits cost no time.
func imported(t *testing.T, u *upstream, from ...*place) *outcome {
	t.Helper()
	o := &outcome{}
	synctest.Test(t, func(t *testing.T) {
		s := &taken{events: make(map[schema.ConversationID]map[string]bool)}
		p := &place{}
		if len(from) > 0 {
			p = from[0]
		}
		h := &History{
			Client: &Client{URL: "https://api.example.com", Credentials: Credentials{User: "ada", Password: "s3cret"}, Transport: u},
			Sender: s, Place: p, Page: 10,
			Notice:   func(text string) { o.notice = append(o.notice, text) },
			Rejected: func(code, message string) { t.Error(code, message) }, Progress: func(int64, int64) {},
		}
		in, err := h.Resume(Interval{From: firstClose.AddDate(0, 0, -1), To: firstClose.AddDate(0, 1, 0), Projects: []schema.ProjectID{7}}, true)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		o.Result, o.err = h.Run(t.Context(), in)
		o.taken, o.spent, o.place = s.events, time.Since(began), p
	})
	return o
}
