package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/ingest/eventlog/lease"
)

var takeovers = flag.Int("takeovers", 1, "how often a projector is killed, and how often stopped, in TestTheOtherProjectorTakesOver; from 10 on the times are checked")

// waitUntilRenewed waits until the projector's lease has a holder other than serve that has renewed it:
// so it is not about to expire.
func waitUntilRenewed(t *testing.T, i *instance) {
	t.Helper()
	broker, err := eventlog.Open(t.Context(), i.log(t))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	bucket, err := lease.Bucket(t.Context(), broker)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		var value struct {
			Holder string
			Sign   uint64
		}
		err := bucket.Update(t.Context(), projectorWork, func(now []byte) ([]byte, error) { return nil, json.Unmarshal(now, &value) })
		if err == nil && (value.Holder == "serve" || value.Sign == 0) {
			err = fmt.Errorf("the lease is held by %q, renewed %d times", value.Holder, value.Sign)
		}
		return err
	})
}

// TestTheOtherProjectorTakesOver ends a projector that holds the lease, and measures from its end until
// the other one has written a row: of an event that was accepted after the end.
func TestTheOtherProjectorTakesOver(t *testing.T) {
	const project = 7813
	i := start(t, t.TempDir())
	conversations := 0
	for _, c := range []struct {
		name  string
		end   func(*instance)
		limit time.Duration
	}{
		{"a death", (*instance).kill, 10 * time.Second},
		{"a clean stop", func(beside *instance) {
			if code := beside.terminate(t); code != exitOK {
				t.Errorf("exit %d", code)
			}
		}, time.Second},
	} {
		var took []time.Duration
		for range *takeovers {
			beside := i.role(t, "project")
			handTo(t, i, beside)
			waitUntilRenewed(t, i)
			c.end(beside)
			ended := time.Now()
			conversations++
			i.post(t, chats(project, conversations-1, conversations, 0)...)
			i.awaitConversations(t, project, conversations)
			took = append(took, time.Since(ended))
		}
		slices.Sort(took)
		p50, longest := took[(len(took)-1)/2].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond)
		t.Logf("from %s to the first row of the other projector: p50 %s, max %s of %d", c.name, p50, longest, len(took))
		if *takeovers >= 10 && longest > c.limit {
			t.Errorf("%s after %s, want at most %s: %v", longest, c.name, c.limit, took)
		}
	}
	for stage := 1; stage < 3; stage++ {
		i.post(t, chats(project, 0, conversations, stage)...)
	}
	i.wantOneRowEach(t, project, conversations, 5*conversations)
}

// awaitConversations looks often until a project has so many conversations.
func (i *instance) awaitConversations(t *testing.T, project, conversations int) {
	t.Helper()
	looks := time.NewTicker(5 * time.Millisecond)
	defer looks.Stop()
	for deadline := time.Now().Add(seenWithin); ; <-looks.C {
		n := i.number(t, fmt.Sprintf("SELECT count() FROM parley.conversations WHERE project_id = %d", project))
		if n == conversations {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d conversations, want %d", n, conversations)
		}
	}
}
