package main

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded"
)

// TestARepairStaysWhileTheProjectorRuns falsifies rows of conversations that the projector has in its
// cache, repairs them while readers look, and sends further events.
func TestARepairStaysWhileTheProjectorRuns(t *testing.T) {
	const project, conversations = 7814, 40
	i := start(t, t.TempDir())
	for stage := range 2 {
		i.post(t, chats(project, 0, conversations, stage)...)
	}
	waitForEvents(t, i, project, 4*conversations)
	of := fmt.Sprintf(" FINAL WHERE project_id = %d", project)
	for _, damage := range []string{
		"INSERT INTO parley_1.conversations SELECT * REPLACE ('FALSE' AS channel) FROM parley_1.conversations" + of,
		"INSERT INTO parley_1.contacts SELECT * REPLACE (operator_id + 1 AS operator_id) FROM parley_1.contacts" + of,
		"INSERT INTO parley_1.messages SELECT * REPLACE ('never' AS message_id) FROM parley_1.messages" + of,
		"INSERT INTO parley_1.customers SELECT * REPLACE (conversation_count + 1 AS conversation_count) FROM parley_1.customers" + of,
		"DELETE FROM parley_1.visitors WHERE project_id = " + fmt.Sprint(project),
	} {
		i.execute(t, damage)
	}
	if stdout, _, code := i.command(t, "", "verify", "--projects", fmt.Sprint(project)); code != exitFailed || !strings.Contains(stdout, "channel") {
		t.Fatalf("verify of false rows: exit %d\n%s", code, stdout)
	}

	stop := i.neverFewer(t, map[string]int{
		"SELECT count() FROM parley.conversations WHERE project_id = " + fmt.Sprint(project): conversations,
		"SELECT count() FROM parley.contacts WHERE project_id = " + fmt.Sprint(project):      conversations,
		"SELECT count() FROM parley.messages WHERE project_id = " + fmt.Sprint(project):      conversations,
	})
	i.want(t, exitOK, "verify", "--repair", "--projects", fmt.Sprint(project))
	stop()
	i.wantRepaired(t, project, conversations)

	i.post(t, chats(project, 0, conversations, 2)...)
	i.wantOneRowEach(t, project, conversations, 5*conversations)
	i.wantRepaired(t, project, conversations)
	if left := i.quarantined(t); len(left) > 0 {
		t.Errorf("in quarantine: %+v", left)
	}
}

// TestReadyzNamesTheRowsThatARepairCannotWrite repairs a conversation whose rows a table rejects.
func TestReadyzNamesTheRowsThatARepairCannotWrite(t *testing.T) {
	const project, conversations = 7822, 3
	i := start(t, t.TempDir())
	i.post(t, chats(project, 0, conversations, 0)...)
	waitForEvents(t, i, project, 2*conversations)
	i.awaitReadyz(t, "", http.StatusOK, `{"ready":true}`)
	i.execute(t, "INSERT INTO parley_1.conversations SELECT * REPLACE ('FALSE' AS channel) FROM parley_1.conversations FINAL LIMIT 1")
	i.execute(t, "ALTER TABLE parley_1.conversations ADD CONSTRAINT chats CHECK channel != 'CHAT'")
	repair := exec.CommandContext(t.Context(), binary, "verify", "--repair", "--data-dir", i.dir)
	if err := repair.Start(); err != nil {
		t.Fatal(err)
	}
	i.awaitReadyz(t, "", http.StatusOK, fmt.Sprintf(`ClickHouse rejects the rows of 1 conversation that is to be written again, so they stay as they are: %d/`, project))
	i.awaitReadyz(t, "", http.StatusOK, "VIOLATED_CONSTRAINT")
	i.execute(t, "ALTER TABLE parley_1.conversations DROP CONSTRAINT chats")
	if err := repair.Wait(); err != nil {
		t.Errorf("repair: %v", err)
	}
	i.awaitReadyz(t, "", http.StatusOK, `{"ready":true}`)
	i.want(t, exitOK, "verify")
}

// TestARepairNeedsNoProjector repairs tables that no process projects: the command takes the lease.
func TestARepairNeedsNoProjector(t *testing.T) {
	const project, conversations = 7820, 20
	e := enginesAlone(t)
	i := start(t, t.TempDir(), e.flags()...)
	i.where.ClickHouse.BI = embedded.User{Name: "parley_bi", Password: "bi-password-of-this-test"}
	for stage := range 3 {
		i.post(t, chats(project, 0, conversations, stage)...)
	}
	waitForEvents(t, i, project, 5*conversations)
	if code := i.terminate(t); code != exitOK {
		t.Errorf("exit %d", code)
	}
	i.where.ClickHouse.HTTP = e.clickHouse.where.HTTP
	i.where.ClickHouse.Writer = embedded.User{Name: "parley_writer", Password: "writer-password-of-this-test"}
	i.execute(t, "INSERT INTO parley_1.contacts SELECT * REPLACE (operator_id + 1 AS operator_id) FROM parley_1.contacts FINAL")
	i.execute(t, "INSERT INTO parley_1.messages SELECT * REPLACE ('never' AS message_id) FROM parley_1.messages FINAL")
	if stdout, _, code := i.command(t, "", append([]string{"verify"}, e.flags()...)...); code != exitFailed || !strings.Contains(stdout, "operator_id") {
		t.Fatalf("verify of false rows: exit %d\n%s", code, stdout)
	}
	i.want(t, exitOK, append([]string{"verify", "--repair"}, e.flags()...)...)
	i.wantRepaired(t, project, conversations)

	again := start(t, i.dir, e.flags()...) // takes the lease at once
	again.where.ClickHouse = i.where.ClickHouse
	again.post(t, chats(project, conversations, conversations+1, 0)...)
	waitForEvents(t, again, project, 5*conversations+2)
	i.want(t, exitOK, append([]string{"verify"}, e.flags()...)...)
}

// wantRepaired looks for what was falsified.
func (i *instance) wantRepaired(t *testing.T, project, conversations int) {
	t.Helper()
	of := fmt.Sprintf(" WHERE project_id = %d", project)
	for statement, want := range map[string]int{
		"SELECT countIf(channel = 'CHAT') FROM parley.conversations" + of: conversations,
		"SELECT countIf(operator_id = 7) FROM parley.contacts" + of:       conversations,
		"SELECT countIf(message_id = 'm-1') FROM parley.messages" + of:    conversations,
		"SELECT count() FROM parley.messages" + of:                        conversations,
		"SELECT sum(conversation_count) FROM parley.customers" + of:       conversations,
	} {
		if got := i.number(t, statement); got != want {
			t.Errorf("%s: %d, want %d", statement, got, want)
		}
	}
}

// neverFewer reads counts until it is stopped, and fails if one is ever lower.
func (i *instance) neverFewer(t *testing.T, least map[string]int) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var reading sync.WaitGroup
	reading.Go(func() {
		looks := time.NewTicker(5 * time.Millisecond)
		defer looks.Stop()
		for ctx.Err() == nil {
			for statement, want := range least {
				if got := i.number(t, statement); got < want {
					t.Errorf("%s: %d for a moment, want %d", statement, got, want)
				}
			}
			<-looks.C
		}
	})
	return func() { cancel(); reading.Wait() }
}
