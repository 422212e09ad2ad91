package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/query/hours"
	"github.com/parley-analytics/parley/schema"
)

const someHours = `
validFrom: 2024-01-01
timeZone: Europe/Paris
week:
  friday: [09:00-12:00]
holidays:
  2024-12-25: []
  2024-12-24: [09:00-10:00]
`

func TestOpeningHoursSetConcurrentlyAreAllKept(t *testing.T) {
	server := enginetest.NATS(t)
	broker, err := eventlog.Open(t.Context(), eventlog.Options{URL: server.URL, User: server.User, Password: server.Password})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	store, err := openHours(t.Context(), broker)
	if err != nil {
		t.Fatal(err)
	}
	const versions = 12
	at := func(day int) hours.Date {
		var date hours.Date
		if err := date.UnmarshalText(fmt.Appendf(nil, "2024-01-%02d", day)); err != nil {
			t.Error(err)
		}
		return date
	}
	var all sync.WaitGroup
	for day := 1; day <= versions; day++ {
		all.Go(func() {
			err := store.Change(t.Context(), 7, func(s *hours.Schedule) error {
				return s.Set(hours.Version{ValidFrom: at(day), TimeZone: "Europe/Paris"})
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	known, err := store.Schedules(t.Context(), schema.Projects{All: true})
	if err != nil || known[7] == nil || len(known[7].Versions) != versions {
		t.Fatalf("%+v, %v", known[7], err)
	}
	for day := 1; day <= versions; day++ {
		err := store.Change(t.Context(), 7, func(s *hours.Schedule) error { s.Remove(at(day)); return nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	if known, err = store.Schedules(t.Context(), schema.Projects{All: true}); err != nil || len(known) != 0 {
		t.Fatalf("after all versions were removed: %v, %v", known, err)
	}
}

func TestOpeningHoursAreManagedNextToServe(t *testing.T) {
	i := running(t)
	const project = 7412
	file := filepath.Join(t.TempDir(), "hours.yaml")
	if err := os.WriteFile(file, []byte(someHours), 0o600); err != nil {
		t.Fatal(err)
	}
	named := []string{"--project", fmt.Sprint(project)}
	hours := func(arguments ...string) (string, string, int) {
		t.Helper()
		return i.command(t, "", append([]string{"hours"}, arguments...)...)
	}
	if _, stderr, code := hours("set", "--file", file, named[0], named[1]); code != 0 {
		t.Fatalf("set: exit %d, %s", code, stderr)
	}
	if stdout, _, code := hours("show", named[0], named[1]); code != 0 ||
		stdout != `{"validFrom":"2024-01-01","timeZone":"Europe/Paris","week":{"friday":["09:00-12:00"]},"holidays":{"2024-12-24":["09:00-10:00"],"2024-12-25":[]}}`+"\n" {
		t.Errorf("show: exit %d, %s", code, stdout)
	}
	if stdout, _, code := hours("list"); code != 0 || !strings.Contains(stdout, "7412     2024-01-01  Europe/Paris  2") {
		t.Errorf("list: exit %d, %s", code, stdout)
	}

	// 1 March 2024 is a Friday: the conversation was resolved from 11:06 to 11:10 UTC,
	// after noon in Paris; with other hours, open until 13:00, it counts.
	i.post(t, exampleLines(t, project)...)
	waitForEvents(t, i, project, 11)
	resolution := func() string {
		return fmt.Sprint(i.graphQL(t, i.admin, fmt.Sprintf(`{metrics(interval: {from: "2024-03-01T00:00:00Z", to: "2024-03-02T00:00:00Z"}, filters: {projectIds: %d}) {
			total {resolutionBusinessHours {count medianMs} resolution {medianMs}}}}`, project)))
	}
	inSQL := func(want string) {
		t.Helper()
		eventually(t, func() error {
			rows, err := i.trySQL(fmt.Sprintf("SELECT ifNull(toString(resolution_business_hours_ms), 'unknown') AS open FROM parley.conversations WHERE project_id = %d", project))
			if got := fmt.Sprint(rows); err != nil || got != "[map[open:"+want+"]]" {
				return fmt.Errorf("resolution in SQL is %s, want %s: %w", got, want, err)
			}
			return nil
		})
	}
	inSQL("0")
	if got := resolution(); !strings.Contains(got, "resolutionBusinessHours:map[count:1 medianMs:0]") || !strings.Contains(got, "medianMs:240000") {
		t.Errorf("closed at noon: %s", got)
	}
	if _, stderr, code := i.command(t, strings.NewReplacer("2024-01-01", "2024-02-28", "12:00", "13:00").Replace(someHours), append([]string{"hours", "set", "--file", "-"}, named...)...); code != 0 {
		t.Fatalf("set: exit %d, %s", code, stderr)
	}
	inSQL("240000")
	if got := resolution(); !strings.Contains(got, "resolutionBusinessHours:map[count:1 medianMs:240000]") {
		t.Errorf("open over noon: %s", got)
	}
	if _, stderr, code := hours("remove", "--valid-from", "2024-02-28", named[0], named[1]); code != 0 {
		t.Errorf("remove: exit %d, %s", code, stderr)
	}
	if got := resolution(); !strings.Contains(got, "map[count:1 medianMs:0]") {
		t.Errorf("closed at noon again: %s", got)
	}
	if _, stderr, code := hours("remove", named[0], named[1]); code != 0 {
		t.Errorf("remove: exit %d, %s", code, stderr)
	}
	inSQL("unknown")
	if got := resolution(); !strings.Contains(got, "map[count:0 medianMs:<nil>]") {
		t.Errorf("without hours: %s", got)
	}

	for name, text := range map[string]string{
		"unknown member": strings.Replace(someHours, "week", "weeks", 1), "overlap": strings.Replace(someHours, "[09:00-12:00]", "[09:00-12:00, 11:00-13:00]", 1),
		"no zone": strings.Replace(someHours, "Europe/Paris", "Paris", 1), "no hours": strings.Replace(someHours, "09:00-12:00", "morning", 1), "nothing": "",
	} {
		if _, stderr, code := i.command(t, text, append([]string{"hours", "set", "--file", "-"}, named...)...); code != exitFailed || strings.Count(stderr, "\n") > 3 || stderr == "" {
			t.Errorf("%s: exit %d, %q", name, code, stderr)
		}
	}
	if _, stderr, code := hours("show", named[0], named[1]); code != exitFailed || !strings.Contains(stderr, "has no opening hours") {
		t.Errorf("show: exit %d, %q", code, stderr)
	}
}
