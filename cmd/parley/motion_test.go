package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

// motionEvents are the events of a conversation in four pieces, each of which
// changes rows of several tables.
func motionEvents(project, n int) [4][]string {
	id := uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "motion %d %d", project, n)).String()
	at := time.Date(2021, 3, 1, 8, 0, n, 0, time.UTC)
	count := 0
	event := func(kind, data string) string {
		count++
		return fmt.Sprintf(`{"specversion":"1.0","id":"%s-%d","source":"/motion","type":"parley.%s.v1","subject":"%s","projectid":%d,"time":"%s","data":%s}`,
			id, count, kind, id, project, at.Add(time.Duration(count)*time.Second).Format(time.RFC3339), data)
	}
	push := func(user int) string {
		return event("conversation.pushed", fmt.Sprintf(`{"toUser":{"id":%d,"kind":"PROFESSIONAL"}}`, user))
	}
	said := func(kind string) string {
		return event("message.sent", fmt.Sprintf(`{"messageId":"m%d","author":{"kind":"%s"}}`, count, kind))
	}
	sale := func() string {
		return event("transaction.recorded", fmt.Sprintf(`{"externalConversionId":"t%d","amount":1,"currency":"EUR"}`, count))
	}
	return [4][]string{
		{event("conversation.opened", `{"channel":"CHAT","visitor":{"id":"v"}}`), push(1), said("VISITOR")},
		{said("PROFESSIONAL"), sale(), push(2)},
		{said("PROFESSIONAL"), event("conversation.snoozed", `{}`), push(3), sale()},
		{said("PROFESSIONAL"), event("conversation.closed", `{}`)},
	}
}

type (
	contactInMotion struct {
		ID, Status   string
		Conversation *conversationInMotion
	}
	conversationInMotion struct {
		ID                       string
		ClosedAt                 *string
		ContactCount, EventCount int
		Contacts                 []contactInMotion
		Revenue                  []struct{ Amount json.Number }
		Conversions              struct {
			Transactions []struct{ TransactionID string }
		}
	}
)

// consistent says what in a conversation is of two states.
func (c *conversationInMotion) consistent() error {
	sales := 0
	for _, r := range c.Revenue {
		n, err := r.Amount.Int64()
		if err != nil {
			return err
		}
		sales = int(n) // each is worth 1
	}
	switch {
	case len(c.Contacts) != c.ContactCount:
		return fmt.Errorf("%s: %d contacts, contactCount %d", c.ID, len(c.Contacts), c.ContactCount)
	case len(c.Conversions.Transactions) != sales:
		return fmt.Errorf("%s: %d transactions, revenue of %d", c.ID, len(c.Conversions.Transactions), sales)
	}
	ongoing := 0
	for _, k := range c.Contacts {
		if k.Status == "ONGOING" {
			ongoing++
		}
	}
	if open := c.ClosedAt == nil; open != (ongoing == 1) || ongoing > 1 {
		return fmt.Errorf("%s: open is %v, with %d contacts ongoing", c.ID, open, ongoing)
	}
	return nil
}

// TestAnAnswerShowsOneStateWhileDataComesIn asks for what spans tables while events
// of just those rows arrive.
func TestAnAnswerShowsOneStateWhileDataComesIn(t *testing.T) {
	i := running(t)
	const project = 4711
	key := i.newKey(t, fmt.Sprint(project), "read")
	ctx := t.Context()
	done := make(chan struct{})
	var sender sync.WaitGroup
	sent := 0
	sender.Go(func() {
		for n := 0; ; n += 10 {
			for piece := range 4 {
				select {
				case <-done:
					return
				case <-ctx.Done():
					return
				default:
				}
				var lines []string
				for m := n; m < n+10; m++ {
					lines = append(lines, motionEvents(project, m)[piece]...)
				}
				sent += i.post(t, lines...).Accepted
			}
		}
	})
	const conversation = `id closedAt contactCount eventCount contacts { id status } revenue { amount } conversions { transactions { transactionId } }`
	const interval = `interval: {from: "2021-03-01T00:00:00Z", to: "2021-03-31T00:00:00Z"}`
	query := `{
		contacts(` + interval + `, last: 60) { leftOut edges { node { id status conversation { ` + conversation + ` } } } }
		closedConversations(` + interval + `, last: 20) { edges { node { ` + conversation + ` } } }
	}`
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	asked, seen, faults := 0, 0, 0
	for began := time.Now(); asked < 20 && time.Since(began) < 2*time.Minute || time.Since(began) < 15*time.Second; asked++ {
		got := i.do(t, request{method: http.MethodPost, path: graphQLPath, body: string(body), key: &key, headers: map[string]string{"Content-Type": "application/json"}})
		var a struct {
			Data struct {
				Contacts struct {
					LeftOut int
					Edges   []struct{ Node contactInMotion }
				}
				ClosedConversations struct {
					Edges []struct{ Node conversationInMotion }
				}
			}
			Errors []any
		}
		if err := json.Unmarshal(got.body, &a); err != nil || len(a.Errors) > 0 {
			faults++
			t.Errorf("request %d: %.500s", asked, got)
		}
		note := func(err error) {
			if err != nil {
				if faults++; faults < 10 {
					t.Errorf("request %d: %v", asked, err)
				}
			}
		}
		for _, edge := range a.Data.Contacts.Edges {
			seen++
			k := edge.Node
			if k.Conversation == nil {
				continue // the error is counted
			}
			note(k.Conversation.consistent())
			for _, same := range k.Conversation.Contacts {
				if same.ID == k.ID && same.Status != k.Status {
					note(fmt.Errorf("%s is %s, and %s in its conversation", k.ID, k.Status, same.Status))
				}
			}
		}
		for _, edge := range a.Data.ClosedConversations.Edges {
			seen++
			note(edge.Node.consistent())
		}
		if a.Data.Contacts.LeftOut > 0 {
			note(fmt.Errorf("%d contacts are left out though the projection goes on", a.Data.Contacts.LeftOut))
		}
	}
	close(done)
	sender.Wait()
	t.Logf("%d requests, %d rows seen, %d events sent, %d faults", asked, seen, sent, faults)
	if asked < 20 || sent < 500 {
		t.Errorf("%d requests, %d events", asked, sent)
	}
}
