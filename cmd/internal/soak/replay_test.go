package soak

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	conversations = flag.Int("conversations", 1500, "conversations of the replay that is paged through, of about 20 events each")
	existing      = flag.String("data", "", "data dir to replay, of a serve that has ended; demo data is made unless given")
)

// page is what a client compares: everything of a page but its cost.
type page struct {
	Data struct {
		ClosedConversations struct {
			Edges    []json.RawMessage
			PageInfo struct {
				HasNextPage bool
				EndCursor   string
			}
		}
	}
	Errors []json.RawMessage
}

// TestReplayUnderAClientThatPages replays everything while a client reads all
// closed conversations with their contacts, page after page, again and again:
// each time it has to get what it got before, without an error.
func TestReplayUnderAClientThatPages(t *testing.T) {
	in := newInstance(t, build(t))
	if *existing != "" {
		in.dir = *existing
	}
	if !in.start() {
		t.Fatal("serve has not started")
	}
	if *existing == "" {
		if output, err := in.run(nil, "demo", "--conversations", strconv.Itoa(*conversations), "--until", "2026-01-01T00:00:00Z"); err != nil {
			t.Fatalf("demo: %v\n%s", err, output)
		}
	}
	log, err := in.readLog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := in.caughtUp(t.Context(), log.last); err != nil {
		t.Fatal(err)
	}
	var key map[string]string
	in.read("admin-key.json", &key)
	before := in.checksums(t)
	want, err := in.pages(key)
	if err != nil {
		t.Fatal(err)
	}

	stop := make(chan struct{})
	var reading sync.WaitGroup
	rounds, read := 0, 0
	var wrong error
	reading.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			got, err := in.pages(key)
			switch {
			case err != nil:
				wrong = err
			case len(got) != len(want):
				wrong = fmt.Errorf("%d conversations instead of %d", len(got), len(want))
			default:
				for i := range got {
					if got[i] != want[i] {
						wrong = fmt.Errorf("conversation %d of the pages was %s and is %s", i, want[i], got[i])
					}
				}
			}
			rounds, read = rounds+1, read+len(got)
			if wrong != nil {
				return
			}
		}
	})
	began := time.Now()
	output, replayErr := in.run(nil, "replay")
	took := time.Since(began)
	close(stop)
	reading.Wait()
	if replayErr != nil {
		t.Fatalf("replay: %v\n%s", replayErr, output)
	}
	if wrong != nil {
		t.Fatalf("while it replayed: %v", wrong)
	}
	if after := in.checksums(t); after != before {
		t.Fatalf("the tables were\n%s\nand are\n%s", before, after)
	}
	lines := strings.Split(strings.TrimSpace(output), "\n")
	fmt.Fprintf(os.Stderr, "soak: replay of %d events in %v (%.0f events/s) under a client that read %d pages of 100 in %d rounds: no error, no other page; checksums as before\nsoak: %s\n%s",
		log.last, took.Round(time.Millisecond), float64(log.last)/took.Seconds(), (read+99)/100, rounds, lines[len(lines)-1], before)
}

// pages reads all closed conversations, oldest first.
func (in *instance) pages(key map[string]string) ([]string, error) {
	var all []string
	for after := ""; ; {
		variables := map[string]any{}
		if after != "" {
			variables["after"] = after
		}
		body, err := json.Marshal(map[string]any{"variables": variables, "query": `query ($after: String) {
			closedConversations(interval: {from: "2020-01-01T00:00:00Z", to: "2027-01-01T00:00:00Z"}, first: 100, after: $after) {
				edges { node { id closedAt durationMs lastSequence satisfactionSurvey { customerSatisfaction }
					contacts { id status ending durationMs } conversions { transactions { transactionId amount } } } }
				pageInfo { hasNextPage endCursor } } }`})
		if err != nil {
			return nil, err
		}
		request, err := http.NewRequest(http.MethodPost, in.url+"/graphql", bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		request.Header.Set("content-type", "application/json")
		request.Header.Set("x-api-id", key["id"])
		request.Header.Set("x-api-secret", key["secret"])
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil {
			return nil, err
		}
		var p page
		if err := json.Unmarshal(text, &p); err != nil {
			return nil, err
		}
		if throttled(p.Errors) {
			time.Sleep(time.Second) // the budget of the key is used up for now
			continue
		}
		if response.StatusCode != http.StatusOK || len(p.Errors) > 0 {
			return nil, fmt.Errorf("%s: %s", response.Status, p.Errors)
		}
		for _, edge := range p.Data.ClosedConversations.Edges {
			all = append(all, string(edge))
		}
		if !p.Data.ClosedConversations.PageInfo.HasNextPage {
			return all, nil
		}
		after = p.Data.ClosedConversations.PageInfo.EndCursor
	}
}

func throttled(errors []json.RawMessage) bool {
	for _, err := range errors {
		if strings.Contains(string(err), `"THROTTLED"`) {
			return true
		}
	}
	return false
}

// checksums of the stable views, as a dashboard's user can take them.
func (in *instance) checksums(t *testing.T) string {
	t.Helper()
	var sums strings.Builder
	for _, table := range tables {
		columns := strings.Join(table.columns, ", ")
		for _, name := range []string{"custom_data", "revenue", "total_spent"} {
			columns = strings.ReplaceAll(columns, name, "mapSort("+name+")")
		}
		err := in.query(fmt.Sprintf("SELECT count() AS rows, sum(cityHash64(formatRow('RowBinary', %s))) AS sum FROM %s", columns, table.name), func(row map[string]any) {
			fmt.Fprintf(&sums, "soak:   %s: %v rows, checksum %v\n", table.name, row["rows"], row["sum"])
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return sums.String()
}
