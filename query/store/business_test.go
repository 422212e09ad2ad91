package store

import (
	"fmt"
	"testing"

	"github.com/parley-analytics/parley/query/hours"
	"github.com/parley-analytics/parley/schema"
)

// TestBusinessTimeOfLongTimelines reads business time of forty projects that are open for 130 years, all but a day of each or one day of
// sixty: together many times what 32 bits of seconds hold.
func TestBusinessTimeOfLongTimelines(t *testing.T) {
	const (
		projects, day = 40, int64(86_400)
		years         = 130 * 365 * day
	)
	line := &hours.Timeline{}
	for n := range int64(projects) {
		lane := (n + 1) * hours.Lane
		line.Projects, line.Lanes = append(line.Projects, uint32(n+1)), append(line.Lanes, lane)
		line.Begins, line.Ends = append(line.Begins, lane), append(line.Ends, lane+years)
		line.Starts, line.Lengths = append(line.Starts, lane), append(line.Lengths, 0)
		stretch, apart := 364*day, 365*day
		if n%8 == 0 {
			stretch, apart = day, 60*day
		}
		for at := day; at+stretch <= years; at += apart {
			line.Starts, line.Lengths = append(line.Starts, lane+at), append(line.Lengths, stretch)
		}
	}
	st := (&statement{text: "SELECT project_id, f, t, " + business("f", "t") + ", CAST(" + openAt("f") + `, 'Nullable(Bool)')
		FROM (SELECT toUInt32(number % 41 + 1) AS project_id, toInt64(cityHash64(number) % 2000000000000) - 1000 AS f, f + toInt64(cityHash64(number, 1) % 2000000000000) AS t
			FROM numbers(4100)) ORDER BY ALL`}).open(line)
	s := open(t, nil)
	rows, err := s.conn.Query(t.Context(), st.sent(), st.args...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	read, unknown := 0, 0
	for ; rows.Next(); read++ {
		var (
			project  uint32
			from, to int64
			got      *int64
			isOpen   *bool
		)
		if err := rows.Scan(&project, &from, &to, &got, &isOpen); err != nil {
			t.Fatal(err)
		}
		want, known := line.Between(schema.ProjectID(project), schema.Timestamp(from), schema.Timestamp(to))
		if known != (got != nil) || known && *got != want {
			t.Fatalf("project %d from %d to %d: %s, want %d, known %t", project, from, to, text(got), want, known)
		}
		next, known := line.Between(schema.ProjectID(project), schema.Timestamp(from), schema.Timestamp(from+1))
		if known != (isOpen != nil) || known && *isOpen != (next == 1) {
			t.Fatalf("project %d at %d: open is %s, want %d, known %t", project, from, text(isOpen), next, known)
		}
		if !known {
			unknown++
		}
	}
	if err := rows.Err(); err != nil || read != 4100 || unknown == 0 || unknown > read/2 {
		t.Errorf("%d rows, %d of them unknown, %v", read, unknown, err)
	}
}

func text[T any](value *T) string {
	if value == nil {
		return "NULL"
	}
	return fmt.Sprint(*value)
}
