package tables

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/query/hours"
	"github.com/parley-analytics/parley/schema"
)

// TestViewsMeasureBusinessHours compares what the views show with the package that defines business
// hours, for random moments around a schedule with holidays and a change of clocks.
func TestViewsMeasureBusinessHours(t *testing.T) {
	server, tables := enginetest.ClickHouse(t), fresh(t)
	up(t, tables)
	const rows = 2_000
	dice := rand.New(rand.NewPCG(1, 2))
	base := int64(1_711_500_000_000) // some days before the clocks change in Europe
	type moment struct{ at, took int64 }
	var contacts, conversations []string
	var moments []moment
	for i := range rows {
		m := moment{base + dice.Int64N(10*86_400_000), dice.Int64N(3 * 86_400_000)}
		moments = append(moments, m)
		contacts = append(contacts, fmt.Sprintf("(%d, '%d', 'c', fromUnixTimestamp64Milli(%d, 'UTC'), %d, %[4]d)", 1+i%3, i, m.at, m.took))
		conversations = append(conversations, fmt.Sprintf("(%d, '%d', fromUnixTimestamp64Milli(%d, 'UTC'), fromUnixTimestamp64Milli(%d, 'UTC'), %d, %d)", 1+i%3, i, m.at, m.at+m.took, m.took, m.took/2))
	}
	server.Exec(t, "INSERT INTO parley_1.contacts (project_id, conversation_id, contact_id, started_at, wait_time_ms, first_response_time_ms) VALUES "+strings.Join(contacts, ", "))
	server.Exec(t, "INSERT INTO parley_1.conversations (project_id, conversation_id, created_at, closed_at, resolution_time_ms, first_response_time_ms) VALUES "+strings.Join(conversations, ", "))
	show := func() []string {
		var lines []string
		for _, statement := range []string{
			"SELECT in_business_hours, wait_business_hours_ms, first_response_business_hours_ms FROM parley.contacts ORDER BY toUInt32(conversation_id)",
			"SELECT in_business_hours, resolution_business_hours_ms, first_response_business_hours_ms FROM parley.conversations ORDER BY toUInt32(conversation_id)",
		} {
			answer, err := server.Query(server.BI, statement)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, strings.Split(answer, "\n")...)
		}
		return lines
	}
	for i, line := range show() {
		if line != `\N`+"\t"+`\N`+"\t"+`\N` {
			t.Fatalf("row %d without any schedule: %s", i, line)
		}
	}

	schedules := map[schema.ProjectID]*hours.Schedule{1: new(hours.Schedule), 2: new(hours.Schedule)} // none for 3
	for project, text := range map[schema.ProjectID]string{
		1: `{"validFrom": "2024-03-29", "timeZone": "Europe/Paris", "week": {"monday": ["09:00-12:30", "14:00-18:00"], "sunday": ["01:00-04:00"], "friday": ["09:00-24:00"]}, "holidays": {"2024-04-01": []}}`,
		2: `{"validFrom": "2020-01-01", "timeZone": "America/New_York", "week": {"monday": ["00:00-24:00"], "tuesday": ["00:00-24:00"], "saturday": ["10:00-11:00"]}, "holidays": {}}`,
	} {
		var v hours.Version
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		if err := schedules[project].Set(v); err != nil {
			t.Fatal(err)
		}
	}
	line := hours.NewTimeline(schedules, hours.Interval{To: base/1000 + 400*86_400})
	set := func(version uint64) {
		t.Helper()
		h := NewOpeningHours(line.Projects, line.Lanes, line.Begins, line.Ends, line.Starts, line.Lengths, version)
		if err := tables.SetOpeningHours(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
	set(7)
	between := func(i int, from, to int64) string {
		if ms, known := line.Between(schema.ProjectID(1+i%3), schema.Timestamp(from), schema.Timestamp(to)); known {
			return fmt.Sprint(ms)
		}
		return `\N`
	}
	got, open := show(), 0
	for i, m := range moments {
		at := `\N`
		if now := between(i, m.at, m.at+1); now != `\N` {
			at = fmt.Sprint(now == "1")
		}
		if at == "true" {
			open++
		}
		want := at + "\t" + between(i, m.at-m.took, m.at) + "\t" + between(i, m.at, m.at+m.took)
		if got[i] != want {
			t.Errorf("contact %d: %s, want %s", i, got[i], want)
		}
		want = at + "\t" + between(i, m.at, m.at+m.took) + "\t" + between(i, m.at, m.at+m.took/2)
		if got[rows+i] != want {
			t.Errorf("conversation %d: %s, want %s", i, got[rows+i], want)
		}
	}
	if open < 100 || open > rows-500 {
		t.Errorf("%d moments are within business hours", open)
	}
	line = hours.NewTimeline(nil, hours.Interval{To: base})
	set(8)
	if lines := show(); lines[0] != `\N`+"\t"+`\N`+"\t"+`\N` {
		t.Errorf("without a schedule again: %s", lines[0])
	}
}
