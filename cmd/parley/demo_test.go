package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestDemoSentTwiceChangesNothing(t *testing.T) {
	i := start(t, t.TempDir())
	flags := []string{"demo", "--seed", "7", "--conversations", "200", "--history", "10d", "--until", "2025-06-02T12:00:00Z"}
	if _, stderr, code := i.command(t, "", flags...); code != 0 || !strings.Contains(stderr, "events in") {
		t.Fatalf("exit %d, %s", code, stderr)
	}
	const position = "SELECT max(sequence) AS n FROM parley.events"
	figures := func() string {
		return fmt.Sprint(i.sql(t, `SELECT (SELECT count() FROM parley.events) AS events, (SELECT count() FROM parley.contacts) AS contacts,
			count() AS conversations, uniqExact(project_id) AS projects, uniqExact(channel) AS channels, countIf(snooze_count > 0) AS snoozed,
			countIf(transfer_count > 0) AS transferred, countIf(abandoned) AS abandoned, sum(cityHash64(toString(tuple(*)))) AS hash FROM parley.conversations`)[0])
	}
	settled := func() {
		before := ""
		eventually(t, func() error {
			_, stderr, code := i.command(t, "", "doctor")
			stdout, _, _ := i.command(t, "", "doctor")
			if code != 0 || !strings.Contains(stdout, ", about 0 records behind") {
				return fmt.Errorf("doctor: %s%s", stdout, stderr)
			}
			if now := figures(); now != before {
				before = now
				return fmt.Errorf("still moving: %s", now)
			}
			return nil
		})
	}
	settled()
	first, last := figures(), i.number(t, position)
	if n := i.number(t, "SELECT count() FROM parley.conversations"); n != 200 {
		t.Errorf("%d conversations", n)
	}
	if _, stderr, code := i.command(t, "", flags...); code != 0 {
		t.Fatalf("exit %d, %s", code, stderr)
	}
	settled()
	if second := figures(); second != first || i.number(t, position) != last {
		t.Errorf("after the second time: %s\nafter the first: %s", second, first)
	}
	t.Log(first)
}
