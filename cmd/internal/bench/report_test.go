package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/schema"
)

func TestAFailedLineIsInTheTableAndInTheExitCode(t *testing.T) {
	r := newReport(settings{events: 1000})
	r.showNext = new(bytes.Buffer)
	r.add(figure{Line: "b", What: "single events", Failed: "no | server"})
	r.add(figure{Line: "a", What: "ingest", Unit: "events/s", Ours: spreadOf([]float64{3, 1, 2})}.against("floor", spreadOf([]float64{4})).goal("≥ 0.8", false))
	dir := t.TempDir()
	var out bytes.Buffer
	if err := r.write(dir, &out); err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{
		"| a | ingest | 2.00 events/s (1.00–3.00) | 4.00 events/s floor | 0.50 | ≥ 0.8 (NOT MET) |  |",
		"| b | single events | FAILED: no / server |",
	} {
		if !strings.Contains(out.String(), row) {
			t.Errorf("the table lacks %q:\n%s", row, out.String())
		}
	}
	if r.failed() != 1 {
		t.Errorf("%d failed lines, want 1", r.failed())
	}
	for _, name := range []string{"bench.md", "bench.json"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestQuantilesInterpolateBetweenRanks(t *testing.T) {
	for q, want := range map[float64]float64{0: 1, 0.5: 2.5, 0.75: 3.25, 1: 4} {
		if got := quantile([]float64{1, 2, 3, 4}, q); got != want {
			t.Errorf("q %g is %g, want %g", q, got, want)
		}
	}
}

func TestACorpusIsTheSameEveryTimeAndValid(t *testing.T) {
	collect := func() (list []string) {
		for payload := range corpus(7, 2000) {
			list = append(list, string(payload))
		}
		return list
	}
	one, two := collect(), collect()
	if len(one) != 2000 {
		t.Fatalf("%d events, want 2,000", len(one))
	}
	conversations := map[schema.ConversationKey]bool{}
	size := 0
	for i := range one {
		if one[i] != two[i] {
			t.Fatalf("event %d differs", i)
		}
		event, invalid := schema.Decode([]byte(one[i]), corpusEnd.Add(10*month))
		if invalid != nil {
			t.Fatal(invalid)
		}
		conversations[event.ConversationKey()] = true
		size += len(one[i])
	}
	if mean := 2000 / len(conversations); mean < 12 || mean > 30 {
		t.Errorf("%d events a conversation, want about 20", mean)
	}
	if mean := size / 2000; mean < 300 || mean > 500 {
		t.Errorf("%d bytes an event, want about 400", mean)
	}
}
