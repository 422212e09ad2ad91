package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/crash"
	"github.com/parley-analytics/parley/projector/sink"
	"github.com/parley-analytics/parley/projector/tables"
)

// owned are the tables as their owner sees them.
func (i *instance) owned(t *testing.T) *tables.Tables {
	t.Helper()
	found, err := sink.Dial(t.Context(), sink.Server{
		URL: i.where.ClickHouse.HTTP, User: i.where.ClickHouse.Writer.Name, Password: i.where.ClickHouse.Writer.Password,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = found.Close() })
	return found
}

// projections are the versions of the tables.
func (i *instance) projections(t *testing.T) tables.Projections {
	t.Helper()
	all, err := i.owned(t).Projections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// wantLive checks that one version is live, and which; 0 is any. Whatever the log gets reaches it.
func (i *instance) wantLive(t *testing.T, version uint32) {
	t.Helper()
	var live []uint32
	for _, p := range i.projections(t) {
		if p.State == tables.Alive {
			live = append(live, p.Version)
		}
	}
	if len(live) != 1 || version != 0 && live[0] != version {
		t.Errorf("live are %v, want %d", live, version)
	}
	i.awaitReadyz(t, "", http.StatusOK, "")
}

// crashed runs a command that is killed at a named point.
func (i *instance) crashed(t *testing.T, point string, arguments ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), binary, append(arguments, "--data-dir", i.dir)...)
	c.Env = append(os.Environ(), crash.Variable+"="+point)
	output, err := c.CombinedOutput()
	status, known := c.ProcessState.Sys().(syscall.WaitStatus)
	if err == nil || !known || status.Signal() != syscall.SIGKILL {
		t.Fatalf("%v was not killed at %s: %v\n%s", arguments, point, err, output)
	}
}

// TestUndoWhileEventsArrive undoes a replay with default flags while serve keeps projecting.
func TestUndoWhileEventsArrive(t *testing.T) {
	const project = 7815
	i := start(t, t.TempDir())
	i.post(t, chats(project, 0, 200, 0)...)
	waitForEvents(t, i, project, 400)
	i.want(t, exitOK, "replay")
	i.wantLive(t, 2)

	sent := 200
	stop := make(chan struct{})
	var sending sync.WaitGroup
	sending.Go(func() {
		for {
			i.post(t, chats(project, sent, sent+10, 0)...)
			sent += 10
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	said := i.want(t, exitOK, "replay", "--undo")
	if !strings.Contains(said, "version 1 is live again") {
		t.Error(said)
	}
	i.wantLive(t, 1)
	close(stop)
	sending.Wait()
	for stage := 1; stage < 3; stage++ {
		i.post(t, chats(project, 0, sent, stage)...)
	}
	i.wantOneRowEach(t, project, sent, 5*sent)
	i.wantLive(t, 1)
}

// TestAVersionThatRefusesInsertsDoesNotStopTheLiveOne offers a version whose tables refuse every row.
func TestAVersionThatRefusesInsertsDoesNotStopTheLiveOne(t *testing.T) {
	const project, conversations = 7816, 20
	i := start(t, t.TempDir(), "--stall-after", "2s")
	i.post(t, chats(project, 0, conversations, 0)...)
	waitForEvents(t, i, project, 2*conversations)
	i.want(t, exitOK, "replay")

	i.execute(t, "ALTER TABLE parley_1.conversations MODIFY SETTING table_readonly = 1")
	i.post(t, chats(project, 0, conversations, 1)...) // which version 1 does not have
	undo := exec.CommandContext(t.Context(), binary, "replay", "--undo", "--data-dir", i.dir)
	var said bytes.Buffer
	undo.Stdout, undo.Stderr = &said, &said
	if err := undo.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if offered := i.projections(t).Offered(); offered != 1 {
			return fmt.Errorf("version %d is offered", offered)
		}
		return nil
	})
	i.post(t, chats(project, 0, conversations, 2)...)
	waitForEvents(t, i, project, 5*conversations)
	i.wantLive(t, 2)
	if err := undo.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := undo.Wait(); err == nil || !strings.Contains(said.String(), "the command was stopped") || !strings.Contains(said.String(), "version 2 is live") {
		t.Errorf("undo: %v, %s", err, said.String())
	}
	if p := i.projections(t).Find(1); p.State != tables.Kept {
		t.Errorf("version 1 is %s: %s", p.State, p.Reason)
	}
	i.wantOneRowEach(t, project, conversations, 5*conversations)

	// A command that is killed leaves its offer, which the projector accepts as soon as it can.
	i.crashed(t, "replay.offered", "replay", "--undo")
	if said := i.want(t, exitOK, "doctor"); !strings.Contains(said, "ok    versions: 1 is offered, ") || !strings.Contains(said, "; 2 is live") {
		t.Error(said)
	}
	i.execute(t, "ALTER TABLE parley_1.conversations MODIFY SETTING table_readonly = 0")
	eventually(t, func() error {
		live, err := i.projections(t).Live()
		if err == nil && live != 1 {
			err = fmt.Errorf("version %d is live", live)
		}
		return err
	})
	i.wantLive(t, 1)
	i.wantOneRowEach(t, project, conversations, 5*conversations)

	i.crashed(t, "replay.built", "replay")
	i.want(t, exitOK, "replay", "--undo")
	if said := i.want(t, exitOK, "doctor"); !strings.Contains(said, "ok    versions: 1 is kept, ") || !strings.Contains(said, " is half built, ") {
		t.Error(said)
	}
	i.wantLive(t, 2)
}

// TestCrossingCommandsLeaveOneLiveVersion runs two commands at the same moment, from two data dirs, as on
// two hosts.
func TestCrossingCommandsLeaveOneLiveVersion(t *testing.T) {
	const project, conversations = 7817, 60
	dir := t.TempDir()
	i := start(t, dir)
	other := &instance{dir: t.TempDir()}
	flags := elsewhere(t, i)
	i.post(t, chats(project, 0, conversations, 0)...)
	waitForEvents(t, i, project, 2*conversations)
	i.want(t, exitOK, "replay")
	events := 2 * conversations
	for n, pair := range [][2][]string{
		{{"replay", "--undo"}, {"replay", "--undo"}},
		{{"replay"}, {"replay", "--undo"}},
		{{"replay"}, {"replay"}},
		{{"replay", "--undo"}, {"verify"}},
	} {
		var crossing sync.WaitGroup
		said := make([]string, 2)
		run := func(of *instance, at int, arguments []string) {
			stdout, stderr, code := of.command(t, "", arguments...)
			said[at] = fmt.Sprintf("%v: exit %d, %s%s", pair[at], code, stdout, stderr)
		}
		crossing.Go(func() { run(i, 0, pair[0]) })
		crossing.Go(func() { run(other, 1, append(pair[1], flags...)) })
		crossing.Wait()
		t.Log(strings.Join(said, "\n"))
		i.wantLive(t, 0)
		i.post(t, chats(project, conversations*(n+1), conversations*(n+2), 0)...)
		events += 2 * conversations
		waitForEvents(t, i, project, events)
		i.want(t, exitOK, "verify", "--projects", fmt.Sprint(project))
	}
	if code := i.terminate(t); code != exitOK {
		t.Errorf("exit %d", code)
	}
	i = start(t, dir)
	i.wantLive(t, 0)
	waitForEvents(t, i, project, events)
	i.want(t, exitOK, "verify", "--projects", fmt.Sprint(project))
}

// TestAHalfBuiltVersionOfAnotherMakerIsNotContinued interrupts builds, and then builds with other flags,
// and with other code.
func TestAHalfBuiltVersionOfAnotherMakerIsNotContinued(t *testing.T) {
	const project, conversations = 7818, 20
	i := start(t, t.TempDir())
	for stage := range 3 {
		i.post(t, chats(project, 0, conversations, stage)...)
	}
	waitForEvents(t, i, project, 5*conversations)
	i.crashed(t, "replay.built", "replay")
	if p := i.projections(t).Find(2); p.State != tables.Building {
		t.Fatalf("version 2 is %s", p.State)
	}
	i.want(t, exitOK, "replay", "--store-text")
	i.wantLive(t, 3)
	if texts, err := i.owned(t).HoldsTexts(t.Context(), 3); err != nil || !texts {
		t.Errorf("version 3 has no texts: %v", err)
	}

	i.crashed(t, "replay.built", "replay")
	i.execute(t, "INSERT INTO parley_meta.turns (turn, version, state, maker) SELECT max(turn) + 1, 4, 'building', 'fold 0, tables 1, from auto, texts true' FROM parley_meta.turns")
	i.execute(t, "INSERT INTO parley_4.contacts SELECT * REPLACE ('older' AS contact_id) FROM parley_4.contacts")
	i.want(t, exitOK, "replay")
	i.wantLive(t, 5)
	for _, version := range []uint32{2, 4} {
		if p := i.projections(t).Find(version); p.State != tables.Dropped {
			t.Errorf("version %d is %s", version, p.State)
		}
	}
	i.wantOneRowEach(t, project, conversations, 5*conversations)
}

// TestVersionsOfAnOlderReleaseAreTakenOver makes the list of versions what it was before it had turns,
// with a version of each state.
func TestVersionsOfAnOlderReleaseAreTakenOver(t *testing.T) {
	const project, conversations = 7819, 20
	dir := t.TempDir()
	i := start(t, dir)
	i.post(t, chats(project, 0, conversations, 0)...)
	waitForEvents(t, i, project, 2*conversations)
	for range 2 {
		i.want(t, exitOK, "replay")
	}
	i.crashed(t, "replay.built", "replay")
	i.execute(t, `INSERT INTO parley_meta.projections (version, state, _version)
		SELECT version, argMax(t.state, t.turn), max(t.turn) FROM parley_meta.turns AS t GROUP BY version`)
	i.execute(t, "DROP TABLE parley_meta.turns SYNC")
	i.execute(t, "DELETE FROM parley_meta.migrations WHERE name LIKE '%turns%'")
	i.kill()

	i = start(t, dir)
	i.wantLive(t, 3)
	i.post(t, chats(project, 0, conversations, 1)...)
	i.want(t, exitOK, "replay", "--undo")
	i.wantLive(t, 2)
	i.post(t, chats(project, 0, conversations, 2)...)
	i.wantOneRowEach(t, project, conversations, 5*conversations)
	i.want(t, exitOK, "replay")
	i.wantOneRowEach(t, project, conversations, 5*conversations)
}
