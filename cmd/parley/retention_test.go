package main

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/schema"
)

func TestSizesAreReadWithTheirUnits(t *testing.T) {
	for text, want := range map[string]size{"0": 0, "1000": 1000, "500MB": 500e6, "20 GiB": 20 << 30, "1TB": 1e12, "unlimited": unlimited} {
		var got size
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q is %d, want %d (%v)", text, got, want, err)
		}
	}
	for _, text := range []string{"", "-1", "1.5GB", "GB", "9999999TiB", "1GB2"} {
		var got size
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken as %d", text, got)
		}
	}
}

func TestRunsOfSequencesAreShownAsOne(t *testing.T) {
	for want, sequences := range map[string][]schema.Sequence{"-": nil, "4": {4}, "3-5, 9": {3, 4, 5, 9}, "7, 2-3": {7, 2, 3}} {
		if got := spans(sequences); got != want {
			t.Errorf("%v: %q, want %q", sequences, got, want)
		}
	}
}

// flood posts events that are refused, of about so many bytes together, until they are taken.
func (i *instance) flood(t *testing.T, project, events, each int) {
	t.Helper()
	lines := make([]string, events)
	for n := range lines {
		text := make([]byte, each*3/4) // a log compresses what repeats
		_, _ = rand.Read(text)
		lines[n] = event(project, someConversation, fmt.Sprint(n), "no.such.type", "2025-01-01T10:00:00Z", fmt.Sprintf(`{"text":%q}`, base64.StdEncoding.EncodeToString(text)))
	}
	eventually(t, func() error {
		got := i.do(t, request{
			method: http.MethodPost, path: "/v1/events", key: &i.admin, headers: map[string]string{"Content-Type": "application/x-ndjson"},
			body: strings.Join(lines, "\n"),
		})
		if got.status == http.StatusUnprocessableEntity {
			return nil
		}
		if got.status != http.StatusServiceUnavailable && got.status != http.StatusGatewayTimeout {
			t.Fatalf("%s", got)
		}
		return fmt.Errorf("%s", got)
	})
}

// rejectedState is what the stream of rejected events holds.
func (i *instance) rejectedState(t *testing.T) eventlog.State {
	t.Helper()
	options := i.log(t)
	options.Observe = true
	broker, err := eventlog.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	state, err := broker.Rejected().State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func TestRejectedEventsAreKeptUpToTheirBounds(t *testing.T) {
	for name, c := range map[string]struct {
		settings string
		within   func(*testing.T, *instance, eventlog.State) error
	}{
		"size": {"log: {retention-interval: 100ms, rejected: {max-bytes: 2MB}}", func(_ *testing.T, _ *instance, s eventlog.State) error {
			if s.Bytes > 1_000_000 || s.Bytes < 200_000 {
				return fmt.Errorf("the stream has %d bytes", s.Bytes)
			}
			return nil
		}},
		"age": {"log: {retention-interval: 100ms, rejected: {max-age: 3s}}", func(t *testing.T, i *instance, s eventlog.State) error {
			if s.First == schema.RecordEvents {
				return fmt.Errorf("the stream still has its first entry, of %v ago", time.Since(s.FirstTime))
			}
			if s.Messages == 0 {
				i.flood(t, 7460, 3, 20_000)
			}
			return nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			i := start(t, filepath.Join(t.TempDir(), "data"), "--config", settingsFile(t, c.settings))
			for range 80 {
				i.flood(t, 7460, 3, 20_000)
			}
			eventually(t, func() error {
				state := i.rejectedState(t)
				if err := c.within(t, i, state); err != nil {
					return err
				}
				// Quarantine shows what the stream holds, and nothing below it.
				list := i.quarantined(t)
				if len(list) == 0 || uint64(list[0].Sequence) < uint64(state.First) {
					return fmt.Errorf("quarantine has %d entries, the stream begins at %d", len(list), state.First)
				}
				return nil
			})
			if metrics := i.do(t, request{method: http.MethodGet, path: "/metrics"}); !strings.Contains(string(metrics.body), `parley_log_dropped_total{log="rejected"} `) {
				t.Errorf("no metric of what was dropped: %s", metrics)
			}
			if code := i.terminate(t); code != 0 {
				t.Fatalf("exit %d", code)
			}
			i = start(t, i.dir)
			i.want(t, 0, "verify")
			i.want(t, 0, "replay")
			first := i.rejectedState(t).First
			if list := i.quarantined(t); len(list) == 0 || uint64(list[0].Sequence) < uint64(first) {
				t.Errorf("after a replay quarantine has %d entries, the stream begins at %d", len(list), first)
			}
		})
	}
}
