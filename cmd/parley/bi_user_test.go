package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded"
)

func TestBIUsersOfSomeProjectsAreManagedNextToServe(t *testing.T) {
	i := start(t, t.TempDir())
	for _, project := range []int{7461, 7462, 7463} {
		i.post(t, exampleLines(t, project)...)
		waitForEvents(t, i, project, 11)
	}
	stdout, stderr, code := i.command(t, "", "bi-user", "add", "--name", "ann", "--projects", "7463,7461")
	var ann embedded.User
	if err := json.Unmarshal([]byte(stdout), &ann); code != exitOK || err != nil || ann.Name != "ann" || len(ann.Password) < 40 {
		t.Fatalf("add: exit %d, %s %s, %v", code, stdout, stderr, err)
	}
	all := i.where.ClickHouse.BI
	for _, view := range []string{"conversations", "contacts", "messages", "events", "transactions", "routings", "snoozes", "state_changes", "conversation_users", "operators"} {
		i.where.ClickHouse.BI = all
		want := i.number(t, "SELECT count() FROM parley."+view+" WHERE project_id IN (7461, 7463)")
		i.where.ClickHouse.BI = ann // from here on, i.sql is hers
		if got := i.number(t, "SELECT count() FROM parley."+view); got != want || want == 0 && view != "transactions" {
			t.Errorf("ann sees %d of %s, want %d", got, view, want)
		}
	}
	if got := i.number(t, "SELECT countIf(project_id = 7462) FROM parley.events"); got != 0 {
		t.Errorf("ann sees %d events of another project", got)
	}
	if _, err := i.trySQL("SELECT * FROM parley.quarantine"); err == nil {
		t.Error("ann reads the quarantine")
	}
	i.post(t, exampleLines(t, 7464)...)
	if stdout, _, code := i.command(t, "", "bi-user", "list"); code != exitOK || !slices.Equal(strings.Fields(stdout), []string{"USER", "PROJECTS", "ann", "7461,7463"}) {
		t.Errorf("list: exit %d, %q", code, stdout)
	}
	if stdout, _, code := i.command(t, "", "bi-user", "list", "--json"); code != exitOK || !strings.Contains(stdout, `"7461,7463"`) || strings.Contains(stdout, ann.Password) {
		t.Errorf("list --json: exit %d, %q", code, stdout)
	}
	for _, wrong := range [][]string{
		{"bi-user", "add", "--name", "ann", "--projects", "1"}, {"bi-user", "add", "--name", "bob", "--projects", "all"}, {"bi-user", "add", "--name", "parley_bi", "--projects", "1"},
		{"bi-user", "add", "--name", "b b", "--projects", "1"}, {"bi-user", "remove", "bob"},
	} {
		if _, stderr, code := i.command(t, "", wrong...); code == exitOK || stderr == "" {
			t.Errorf("%v: exit %d, %s", wrong, code, stderr)
		}
	}
	if _, stderr, code := i.command(t, "", "bi-user", "remove", "ann"); code != exitOK {
		t.Errorf("remove: exit %d, %s", code, stderr)
	}
	eventually(t, func() error {
		if rows, err := i.trySQL("SELECT 1"); err == nil || !strings.Contains(err.Error(), "AUTHENTICATION_FAILED") {
			return fmt.Errorf("ann is not refused: %v, %w", rows, err)
		}
		return nil
	})
	i.where.ClickHouse.BI = all
	eventually(t, func() error {
		// Events that came meanwhile are there as well.
		rows, err := i.trySQL("SELECT uniqExact(project_id) AS projects FROM parley.events")
		if got := fmt.Sprint(rows); err != nil || got != "[map[projects:4]]" {
			return fmt.Errorf("after the removal: %s, %w", got, err)
		}
		return nil
	})
}
