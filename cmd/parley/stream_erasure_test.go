package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/parley-analytics/parley/query/auth"
)

// placeOf orders the positions of a stream: the sequence, and the number among the rows of one sequence.
func placeOf(t *testing.T, id string) (sequence, part int) {
	t.Helper()
	digits, rest, parted := strings.Cut(id, ".")
	sequence, err := strconv.Atoi(digits)
	if err == nil && parted {
		part, err = strconv.Atoi(rest)
	}
	if err != nil {
		t.Fatalf("position %q", id)
	}
	return sequence, part
}

// TestStreamsTellOfErasures follows the streams and the subscriptions while conversations arrive and some are erased, with connections
// that are cut off at random moments.
func TestStreamsTellOfErasures(t *testing.T) {
	i := start(t, filepath.Join(t.TempDir(), "data"))
	const project, visitors, each = 7941, 6, 3
	key := i.newKey(t, fmt.Sprint(project), "ingest,read")
	id := func(visitor, n int) string {
		return fmt.Sprintf("7d1f9a40-5b3e-4d0c-9a51-79410000%04d", each*visitor+n)
	}
	name := func(visitor int) string { return fmt.Sprintf("%s %d", secret, visitor) }
	erased := map[string]bool{}
	for visitor := 1; visitor < visitors; visitor += 2 { // the others stay; the last event announces an erasure
		for n := range each {
			erased[id(visitor, n)] = true
		}
	}

	var done atomic.Bool
	sent := make(chan error, 1)
	go func() {
		defer done.Store(true)
		for visitor := range visitors {
			for n := range each {
				body := strings.Join(told(project, id(visitor, n), name(visitor), secret), "\n")
				if got := i.do(t, request{method: http.MethodPost, path: "/v1/events", body: body, key: &key, headers: map[string]string{"Content-Type": ndjson}}); got.status != http.StatusAccepted {
					sent <- fmt.Errorf("%s", got)
					return
				}
			}
			if visitor%2 == 0 {
				continue
			}
			if out, complaint, code := i.command(t, "", "erase", "--project", fmt.Sprint(project), "--visitor", name(visitor), "--grace", "100ms", "--yes"); code != 0 {
				sent <- fmt.Errorf("erase: %d %s %s", code, out, complaint)
				return
			}
		}
		sent <- nil
	}()

	var readers sync.WaitGroup
	for table, column := range map[string]string{"conversations": "conversation_id", "contacts": "contact_id", "events": "event_id"} {
		readers.Go(func() {
			t.Run(table, func(t *testing.T) { followErasures(t, i, &key, table, column, &done, erased) })
		})
	}
	const personal = `id visitor {id externalId firstName lastName email phone} customData {key value} satisfactionSurvey {comment}
		messages {edges {node {id createdAt ... on ChatMessage {text author {kind id}}}}}`
	for field, selection := range map[string]string{
		"conversations": "conversation {" + personal + " contactCount handleTimeMs}",
		"contacts":      "contact {id operator {id name kind} conversation {" + personal + "}}",
	} {
		readers.Go(func() {
			t.Run("subscription of "+field, func(t *testing.T) {
				changes := i.subscribe(t, &key, "subscription {"+field+" {position erased "+selection+"}}", field, 3, len(erased), strings.TrimSuffix(field, "s"))
				wantAscending(t, changes, func(c map[string]any) string { return c["position"].(string) })
				for _, c := range changes {
					if text, _ := json.Marshal(c); c["erased"] == true && strings.Contains(string(text), secret) {
						t.Errorf("erased, with personal data: %s", text)
					}
				}
			})
		})
	}
	readers.Wait()
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
}

// wantAscending compares the positions of changes.
func wantAscending(t *testing.T, changes []map[string]any, position func(map[string]any) string) {
	t.Helper()
	last, lastPart := -1, 0
	for _, c := range changes {
		sequence, part := placeOf(t, position(c))
		if cmp.Or(cmp.Compare(sequence, last), cmp.Compare(part, lastPart)) <= 0 {
			t.Errorf("%d.%d comes behind %d.%d", sequence, part, last, lastPart)
		}
		last, lastPart = sequence, part
	}
}

// followErasures keeps the latest row of each key, as a reader that copies a table would, and compares it with the table at the end.
func followErasures(t *testing.T, i *instance, credential *auth.Key, table, key string, done *atomic.Bool, erased map[string]bool) {
	t.Helper()
	random := rand.New(rand.NewPCG(3, uint64(len(table))))
	f := follow(t, i, credential, table)
	rows, told, seen := map[any]map[string]any{}, map[string]bool{}, 0
	enough := func() bool {
		for ; seen < len(f.rows); seen++ {
			row := f.rows[seen]
			rows[row[key]] = row
			if row["erased"] != true {
				continue
			}
			told[row["conversation_id"].(string)] = true
			if text, _ := json.Marshal(row); strings.Contains(string(text), secret) {
				t.Errorf("%s: erased, with personal data: %s", table, text)
			}
		}
		return done.Load() && len(told) == len(erased)
	}
	for !enough() {
		f.connect(1+random.IntN(40), enough)
	}
	for conversation := range told {
		if !erased[conversation] {
			t.Errorf("%s: %s is not erased", table, conversation)
		}
	}
	wantAscending(t, f.rows, func(row map[string]any) string {
		if table == "contacts" {
			return fmt.Sprintf("%.0f.%.0f", row["position"], row["ordinal"])
		}
		return fmt.Sprintf("%.0f", row["position"])
	})
	if table == "events" {
		return
	}
	exported := i.do(t, request{method: http.MethodGet, path: "/v1/export/" + table + "?format=ndjson", key: credential})
	for line := range strings.Lines(string(exported.body)) {
		want := map[string]any{}
		if err := json.Unmarshal([]byte(line), &want); err != nil {
			t.Fatal(err)
		}
		got := rows[want[key]]
		delete(got, "position")
		delete(got, "erased")
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: the stream says\n%v\nthe table\n%v", table, got, want)
		}
	}
}
