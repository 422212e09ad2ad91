package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/parley-analytics/parley/query/auth"
)

// charged is what an answer says of itself.
type charged struct {
	size   int
	Data   json.RawMessage
	Errors []struct {
		Message    string
		Extensions struct{ Code string }
	}
	Extensions struct {
		Cost struct {
			RequestedQueryCost, ActualQueryCost int64
			ThrottleStatus                      struct{ MaximumAvailable, CurrentlyAvailable, RestoreRate int64 }
		}
	}
}

func (c *charged) code() string {
	if len(c.Errors) == 0 {
		return ""
	}
	return c.Errors[0].Extensions.Code
}

func (i *instance) charged(t *testing.T, key auth.Key, document string) *charged {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": document})
	if err != nil {
		t.Fatal(err)
	}
	got := i.do(t, request{
		method: http.MethodPost, path: graphQLPath, body: string(body), key: &key,
		headers: map[string]string{"Content-Type": "application/json"},
	})
	c := &charged{size: len(got.body)}
	if err := json.Unmarshal(got.body, c); err != nil || c.Extensions.Cost.ThrottleStatus.MaximumAvailable == 0 {
		t.Fatalf("%v: %.300s", err, got.body)
	}
	return c
}

const (
	costProject = 7140
	answerBytes = 2 << 20 // query.limits.answer-bytes
	comments    = 15
	commentSize = 100_000
)

// costly takes in a conversation with 60 contacts and 15 with long comments.
func (i *instance) costly(t *testing.T) {
	t.Helper()
	var lines []string
	for n := range 60 {
		at := fmt.Sprintf("2025-01-01T10:%02d:00Z", n)
		lines = append(lines, event(costProject, someConversation, fmt.Sprint("p", n), "conversation.pushed", at, fmt.Sprintf(`{"toUser":{"id":%d,"kind":"PROFESSIONAL"}}`, n+1)))
	}
	i.post(t, lines...)
	for n := range comments {
		id := fmt.Sprintf("33333333-3333-4333-8333-%012d", n)
		i.post(t,
			event(costProject, id, fmt.Sprint("o", n), "conversation.opened", "2025-01-01T10:00:00Z", `{"channel":"CHAT"}`),
			event(costProject, id, fmt.Sprint("c", n), "conversation.closed", "2025-01-01T11:00:00Z", `{}`),
			event(costProject, id, fmt.Sprint("s", n), "satisfaction.answered", "2025-01-01T12:00:00Z", `{"comment":"`+strings.Repeat("x", commentSize)+`"}`))
	}
	waitForEvents(t, i, costProject, 60+3*comments)
}

// recursion is a document whose answer has 60 contacts to the power of the levels.
func recursion(levels int) string {
	return fmt.Sprintf(`{ conversation(id: %q, projectId: %d) { id %s } }`, someConversation, costProject,
		strings.Repeat("contacts { id status conversation { id ", levels)+strings.Repeat("} }", levels))
}

const costInterval = `interval: {from: "2025-01-01T00:00:00Z", to: "2025-01-02T00:00:00Z"}, filters: {projectIds: 7140}`

func TestLargeAnswersEndEarlyAndArePaidFor(t *testing.T) {
	i := start(t, t.TempDir(), "--config", settingsFile(t, fmt.Sprintf("query: {limits: {answer-bytes: %d}}", answerBytes)))
	i.costly(t)

	var aliases strings.Builder
	for n := range 190 {
		fmt.Fprintf(&aliases, " a%d: comment", n)
	}
	var metrics, explains strings.Builder
	for n := range 49 {
		fmt.Fprintf(&metrics, " m%d: metrics(%s) { total { closedConversations contacts wait { p99Ms } } }", n, costInterval)
	}
	for n := range 30 {
		fmt.Fprintf(&explains, " e%d: explain(conversationId: %q, projectId: %d) { contacts { values { sequences a: sequences b: sequences c: sequences d: sequences } } }", n, someConversation, costProject)
	}
	for name, c := range map[string]struct {
		document, code string
		least, most    int64 // points
	}{
		"recursion":                        {recursion(2), "", 60 * 60, 3 * 60 * 60},
		"deep recursion":                   {recursion(3), "ANSWER_TOO_LARGE", answerBytes >> 10, 1_000_000},
		"deeper recursion":                 {recursion(4), "QUERY_TOO_LARGE", 0, 0},
		"aliases of a long comment":        {"{ closedConversations(" + costInterval + ") { edges { node { satisfactionSurvey {" + aliases.String() + " } } } } }", "ANSWER_TOO_LARGE", answerBytes >> 10 * 4, 2 * (answerBytes >> 10 * 4)},
		"one name of it":                   {"{ closedConversations(" + costInterval + ") { edges { node { satisfactionSurvey { comment } } } } }", "", comments * commentSize >> 10 * 4, comments*commentSize>>10*4 + 100},
		"49 metrics":                       {"{" + metrics.String() + " }", "", 49 * 1000, 60_000},
		"30 explanations of one":           {"{" + explains.String() + " }", "ANSWER_TOO_LARGE", answerBytes >> 10, 500_000},
		"names that are longer than texts": {"{ closedConversations(" + costInterval + ") { edges { node { " + strings.Repeat("n", 100_000) + ": id } } } }", "", comments * 100_000 >> 10 * 4, comments*100_000>>10*4 + 100},
	} {
		t.Run(name, func(t *testing.T) {
			key := i.newKey(t, fmt.Sprint(costProject), "read")
			answered := i.charged(t, key, c.document)
			cost := answered.Extensions.Cost
			if answered.code() != c.code || answered.size > answerBytes+1000 || cost.ActualQueryCost < c.least || cost.ActualQueryCost > c.most {
				t.Errorf("code %q, %d bytes, cost %d, want %s and %d to %d", answered.code(), answered.size, cost.ActualQueryCost, c.code, c.least, c.most)
			}
			if c.code != "" && answered.size > 1000 {
				t.Errorf("an error of %d bytes", answered.size)
			}
			if left := cost.ThrottleStatus.CurrentlyAvailable; c.least > 40_000 && left > cost.ThrottleStatus.MaximumAvailable-c.least/2 {
				t.Errorf("%d points are left after a cost of %d", left, cost.ActualQueryCost)
			}
			t.Logf("%d bytes, requested %d, actual %d", answered.size, cost.RequestedQueryCost, cost.ActualQueryCost)
		})
	}

	t.Run("eight in parallel beside a sender", func(t *testing.T) {
		key := i.newKey(t, fmt.Sprint(costProject), "read")
		var readers sync.WaitGroup
		for range 8 {
			readers.Go(func() {
				if code := i.charged(t, key, recursion(3)).code(); code != "ANSWER_TOO_LARGE" && code != "THROTTLED" {
					t.Errorf("code %q", code)
				}
			})
		}
		done := make(chan struct{})
		go func() { readers.Wait(); close(done) }()
		sent := 0
		for ended := false; !ended; {
			i.post(t, event(costProject, someConversation, fmt.Sprint("m", sent), "message.sent", "2025-01-01T13:00:00Z",
				fmt.Sprintf(`{"messageId":"m%d","author":{"kind":"VISITOR"}}`, sent)))
			sent++
			select {
			case <-done:
				ended = true
			default:
			}
		}
		if mib := resident(t, i.process.Process.Pid); mib > 600 {
			t.Errorf("%d MiB", mib)
		}
		t.Logf("%d events were taken meanwhile", sent)
	})
}
