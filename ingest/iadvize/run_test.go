package iadvize

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestHistoryIsImportedPageByPage(t *testing.T) {
	u := &upstream{n: 25}
	o := imported(t, u)
	if o.err != nil || len(o.Faults) > 0 || o.Conversations != 25 || len(o.missing(25)) > 0 || u.pages != 3 || u.tokens != 1 || o.place.kept != nil {
		t.Errorf("%+v, %d pages, %d tokens", o, u.pages, u.tokens)
	}
}

func TestCredentialsAreNotSentToWhereTheAPIRedirects(t *testing.T) {
	var reached []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { reached = append(reached, r.URL.Path) }))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, path := range []string{"/oauth2/token", "/graphql"} {
			api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == path {
					http.Redirect(w, r, other.URL+path, status)
					return
				}
				fmt.Fprint(w, `{"access_token": "t", "expires_in": 86400}`)
			}))
			c := &Client{URL: api.URL, Credentials: Credentials{User: "ada", Password: "s3cret", ID: "k", Secret: "s"}}
			_, err := c.read(t.Context(), Interval{From: firstClose, To: firstClose.Add(time.Hour)}, "", 10, 1)
			if err == nil || !strings.Contains(err.Error(), "the API redirects to ") || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%d %s: %v", status, path, err)
			}
			api.Close()
		}
	}
	if len(reached) > 0 {
		t.Errorf("the other address was requested: %v", reached)
	}
}

func TestRowsOfOtherProjectsAreNamedAndNotTaken(t *testing.T) {
	o := imported(t, &upstream{n: 25, row: func(n int, _ variables) string {
		if n%5 == 2 {
			return rowOf(n, 8)
		}
		return ""
	}})
	if !slices.Equal(o.missing(25), []int{2, 7, 12, 17, 22}) || len(o.taken) != 20 || o.err != nil ||
		!slices.Equal(o.Faults, []string{"project 8, which was not requested: 5 conversations"}) {
		t.Errorf("%+v", o)
	}
}

func TestListsThatDoNotEndAreAnError(t *testing.T) {
	for name, c := range map[string]struct {
		page func(variables, string, bool) (string, bool)
		row  func(int, variables) string
		want string
	}{
		"the same cursor": {page: func(variables, string, bool) (string, bool) { return "9", true }, want: "the cursor of an earlier page"},
		"the first cursor again": {page: func(v variables, end string, _ bool) (string, bool) {
			return map[string]string{"": "9", "9": "19", "19": "9"}[v.After], true
		}, want: "the cursor of an earlier page"},
		"no cursor": {page: func(variables, string, bool) (string, bool) { return "", true }, want: "returns no cursor"},
		"the same rows": {page: func(v variables, end string, _ bool) (string, bool) { return end, true },
			row: func(n int, _ variables) string { return rowOf(n%10, 7) }, want: "a page with nothing new"},
		"empty pages": {page: func(v variables, end string, _ bool) (string, bool) { return strconv.Itoa(len(v.After) * 1000), true }, want: "a page with nothing new"},
	} {
		t.Run(name, func(t *testing.T) {
			u := &upstream{n: 1000, page: c.page, row: c.row}
			if name == "empty pages" {
				u.n = 0
			}
			o := imported(t, u)
			if o.err == nil || !strings.Contains(o.err.Error(), c.want) || u.pages > 5 {
				t.Errorf("%v after %d pages", o.err, u.pages)
			}
		})
	}
}

func TestThreadThatDoesNotEndCostsItsConversationOnly(t *testing.T) {
	o := imported(t, &upstream{n: 3,
		row: func(n int, _ variables) string {
			if n == 1 {
				return strings.Replace(rowOf(n, 7), `"hasNextPage": false`, `"hasNextPage": true, "endCursor": "a"`, 1)
			}
			return ""
		},
		query: func(w http.ResponseWriter, v variables) bool {
			if v.ID != "" {
				fmt.Fprint(w, `{"data": {"conversation": {"messages": {"pageInfo": {"hasNextPage": true, "endCursor": "a"}, "edges": []}}}}`)
			}
			return v.ID != ""
		}})
	if o.err != nil || !slices.Equal(o.missing(3), []int{1}) || len(o.Faults) != 1 ||
		!strings.Contains(o.Faults[0], "conversation "+idOf(1)+" of project 7: its messages: the API returned a page with nothing new") {
		t.Errorf("%+v", o)
	}
}

// once answers the n-th query with a status.
func once(nth, status int, header ...string) func(http.ResponseWriter, variables) bool {
	asked := 0
	return func(w http.ResponseWriter, _ variables) bool {
		if asked++; asked != nth {
			return false
		}
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		fmt.Fprint(w, "<html>")
		return true
	}
}

func TestWhatFailsForTheMomentIsRepeated(t *testing.T) {
	for name, c := range map[string]struct {
		query   func(http.ResponseWriter, variables) bool
		longest time.Duration
	}{
		"500":                       {once(2, 500), 2 * time.Second},
		"520":                       {once(2, 520), 2 * time.Second},
		"502":                       {once(2, 502), 2 * time.Second},
		"200 and no JSON":           {once(2, 200), 2 * time.Second},
		"429":                       {once(2, 429), 2 * time.Second},
		"429 for a moment":          {once(2, 429, "Retry-After", "7"), 8 * time.Second},
		"429 for a day":             {once(2, 429, "Retry-After", "86400"), time.Minute + time.Second},
		"503 until another century": {once(2, 503, "Retry-After", "Fri, 31 Dec 2199 23:59:59 GMT"), time.Minute + time.Second},
		"500 for a day":             {once(2, 500, "Retry-After", "86400"), time.Minute + time.Second},
		"401":                       {once(2, 401), 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			o := imported(t, &upstream{n: 25, query: c.query})
			if o.err != nil || len(o.Faults) > 0 || len(o.missing(25)) > 0 || o.spent > c.longest {
				t.Errorf("%+v", o)
			}
		})
	}
}

func TestRetriesAreBounded(t *testing.T) {
	always := func(status int, header ...string) func(http.ResponseWriter, variables) bool {
		return func(w http.ResponseWriter, v variables) bool { return once(1, status, header...)(w, v) }
	}
	for name, c := range map[string]struct {
		u    *upstream
		want string
	}{
		"503":           {&upstream{query: always(503)}, "the API answered 503"},
		"429 for a day": {&upstream{query: always(429, "Retry-After", "86400")}, "the API answered 429"},
		"throttled": {&upstream{query: func(w http.ResponseWriter, _ variables) bool {
			fmt.Fprint(w, `{"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED", "retryAfterMs": 99999999999999}}]}`)
			return true
		}}, "Throttled"},
		"500":                       {&upstream{query: always(500)}, "the API failed on 10 parts in a row: the API answered 500"},
		"401":                       {&upstream{query: always(401)}, "the API rejects the token that it issued"},
		"404":                       {&upstream{query: always(404)}, "the API answered 404"},
		"a token that is not given": {&upstream{token: func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusInternalServerError); return true }}, "the API issued no token: the API answered 500"},
		"a refusal": {&upstream{query: func(w http.ResponseWriter, _ variables) bool {
			fmt.Fprint(w, `{"errors": [{"message": "Cannot query field \u001b[31mx"}]}`)
			return true
		}}, "Cannot query field"},
		"a cursor that is never taken": {&upstream{page: func(variables, string, bool) (string, bool) { return "x", true }}, "the API rejects the cursor"},
	} {
		t.Run(name, func(t *testing.T) {
			c.u.n = 25
			o := imported(t, c.u)
			if o.err == nil || !strings.Contains(o.err.Error(), c.want) || o.spent > 2*GiveUpAfter || c.u.pages > 200 {
				t.Errorf("%v after %v and %d pages", o.err, o.spent, c.u.pages)
			}
		})
	}
}

func TestBrokenPageIsSkippedAndNamed(t *testing.T) {
	poisoned := func(poison int, answer string) func(http.ResponseWriter, variables) bool {
		return func(w http.ResponseWriter, v variables) bool {
			left := 0
			for n := range 25 {
				closed := firstClose.Add(time.Duration(n) * time.Minute)
				after := -1
				if v.After != "" {
					after, _ = strconv.Atoi(v.After)
				}
				if closed.Before(v.From) || !closed.Before(v.To) || n <= after {
					continue
				}
				if left++; left > v.First {
					break
				}
				if n == poison {
					if answer == "" {
						w.WriteHeader(http.StatusInternalServerError)
					}
					fmt.Fprint(w, answer)
					return true
				}
			}
			return false
		}
	}
	for name, answer := range map[string]string{
		"500":            "",
		"an error":       `{"data": null, "errors": [{"message": "boom", "path": ["closedConversations"]}]}`,
		"an empty field": `{"data": {"closedConversations": null}, "errors": [{"message": "boom", "path": ["closedConversations"]}]}`,
		"a timeout":      `{"errors": [{"message": "boom", "extensions": {"code": "TIMEOUT"}}]}`,
		"another form":   `{"data": {"closedConversations": "boom"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			u := &upstream{n: 25, query: poisoned(13, answer)}
			o := imported(t, u)
			if o.err != nil || !slices.Equal(o.missing(25), []int{13}) || o.Conversations != 24 || len(o.Faults) != 1 || u.pages > 100 || o.spent > time.Minute {
				t.Fatalf("%v, %+v after %d pages and %v", o.missing(25), o.Result, u.pages, o.spent)
			}
			var from, to string
			if _, err := fmt.Sscanf(o.Faults[0], "conversations closed from %s to %s", &from, &to); err != nil {
				t.Fatal(o.Faults, err)
			}
			to = strings.TrimSuffix(to, ":")
			closed := firstClose.Add(13 * time.Minute).Format(time.RFC3339)
			if from > closed || to < closed[:len(closed)-1] {
				t.Error(o.Faults)
			}
		})
	}
	t.Run("of an API that ignores the interval", func(t *testing.T) {
		u := &upstream{n: 25, query: func(w http.ResponseWriter, v variables) bool {
			if v.After != "" {
				w.WriteHeader(http.StatusInternalServerError)
				return true
			}
			var rows []string
			for n := range 10 {
				rows = append(rows, `{"node": `+rowOf(n, 7)+`}`)
			}
			fmt.Fprintf(w, `{"data": {"closedConversations": {"pageInfo": {"hasNextPage": true, "endCursor": "9"}, "edges": [%s]}}}`, strings.Join(rows, ","))
			return true
		}}
		o := imported(t, u)
		if len(o.missing(10)) > 0 || len(o.Faults) != 1 || !strings.Contains(o.Faults[0], "ignores the interval") || u.pages > 50 {
			t.Errorf("%+v after %d pages", o, u.pages)
		}
	})
}

func TestFaultsNextToDataAreReportedAndTheRestIsImported(t *testing.T) {
	o := imported(t, &upstream{n: 25,
		row: func(n int, _ variables) string {
			switch n {
			case 3:
				return "null"
			case 14:
				return strings.Replace(rowOf(n, 7), `"createdAt": "2026`, `"createdAt": "the year 2026`, 1)
			case 15:
				return `"a text"`
			}
			return ""
		},
		extra: func(v variables) string {
			if v.After != "" {
				return ""
			}
			return `, "errors": [{"message": "secret row", "path": ["closedConversations", "edges", 3, "node"]},
				{"message": "no survey\u001b[2J", "path": ["closedConversations", "edges", 5, "node", "satisfactionSurvey"]},
				{"message": "far", "path": ["closedConversations", "edges", 500, "node", "x"]}]`
		}})
	want := []string{
		"a conversation without content: secret row",
		"conversation " + idOf(5) + " of project 7, satisfactionSurvey: no survey\x1b[2J",
		"a row that is not there, x: far",
		"conversation " + idOf(14) + ": cannot be parsed",
		"a conversation without id: cannot be parsed",
	}
	if o.err != nil || !slices.Equal(o.missing(25), []int{3, 14, 15}) || len(o.Faults) != len(want) {
		t.Fatalf("%v %+v", o.missing(25), o)
	}
	for n := range want {
		if !strings.HasPrefix(o.Faults[n], want[n]) {
			t.Errorf("got %q, want %q", o.Faults[n], want[n])
		}
	}
}

func TestTokenWithoutAnEndIsUsedUntilItIsRefused(t *testing.T) {
	for granted, tokens := range map[string]int{
		`{"access_token": "t"}`:                        1,
		`{"access_token": "t", "expires_in": null}`:    1,
		`{"access_token": "t", "expires_in": "86400"}`: 1,
		`{"access_token": "t", "expires_in": 30}`:      1,
		`{"access_token": "t", "expires_in": -1}`:      1,
		`{"access_token": "t", "expires_in": 1e99}`:    1,
		`{"access_token": "t", "expires_in": {}}`:      1,
	} {
		u := &upstream{n: 25, granted: granted}
		if o := imported(t, u); o.err != nil || len(o.missing(25)) > 0 || u.tokens != tokens {
			t.Errorf("%s: %v, %d tokens", granted, o.err, u.tokens)
		}
	}
	u := &upstream{n: 25, granted: `{"access_token": "t"}`, query: once(2, 401)}
	if o := imported(t, u); o.err != nil || len(o.missing(25)) > 0 || u.tokens != 2 {
		t.Errorf("%v, %d tokens", o.err, u.tokens)
	}
}

func TestHistoryResumesAfterAnInterruption(t *testing.T) {
	u := &upstream{n: 25, query: once(2, 403)}
	o := imported(t, u)
	if o.err == nil || o.place.kept == nil || len(o.missing(10)) > 0 || len(o.taken) != 10 {
		t.Fatalf("%+v", o)
	}
	again := imported(t, &upstream{n: 25}, o.place)
	if again.err != nil || len(again.taken) != 15 || again.Conversations != 25 || len(again.notice) == 0 {
		t.Errorf("%+v", again)
	}
	// The rest is read in parts where the page after the cursor is broken.
	o = imported(t, &upstream{n: 25, query: once(2, 403)})
	broken := &upstream{n: 25, query: func(w http.ResponseWriter, v variables) bool {
		if v.After == "9" {
			w.WriteHeader(http.StatusInternalServerError)
		}
		return v.After == "9"
	}}
	again = imported(t, broken, o.place)
	if again.err != nil || len(again.Faults) > 0 || len(again.taken) != 16 {
		t.Errorf("%+v", again)
	}
	failed := errors.New("full")
	synctest.Test(t, func(t *testing.T) {
		h := &History{Client: &Client{URL: "https://x", Transport: &upstream{n: 25}}, Sender: &taken{fail: failed}, Place: &place{}, Page: 10,
			Notice: func(string) {}, Progress: func(int64, int64) {}}
		if _, err := h.Run(t.Context(), Interval{From: firstClose, To: firstClose.Add(time.Hour)}); !errors.Is(err, failed) {
			t.Error(err)
		}
	})
}
