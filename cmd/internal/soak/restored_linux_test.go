package soak

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/schema"
)

// replace replaces the files of the log; with an empty path it removes the streams and keeps the
// credentials.
func (in *instance) replace(files string) {
	in.t.Helper()
	nats := filepath.Join(in.dir, "nats")
	var err error
	if files == "" {
		streams, _ := filepath.Glob(filepath.Join(nats, "jetstream", "*", "streams", "PARLEY_*"))
		for _, stream := range streams {
			err = errors.Join(err, os.RemoveAll(stream))
		}
	} else if err = os.RemoveAll(nats); err == nil {
		err = os.CopyFS(nats, os.DirFS(files))
	}
	if err != nil {
		in.t.Fatal(err)
	}
}

// settled pauses the senders, and returns once every acknowledged event is in the tables: others
// would be lost with the log. The senders continue with resume.
func (l *traffic) settled() (resume func()) {
	l.t.Helper()
	l.gate.Lock()
	resume = sync.OnceFunc(l.gate.Unlock)
	l.t.Cleanup(resume)
	l.allProjected()
	return resume
}

// allProjected waits until every event of the log is in the tables, and returns the last sequence.
func (in *instance) allProjected() schema.Sequence {
	in.t.Helper()
	log, err := in.readLog(in.t.Context())
	if err == nil {
		err = in.caughtUp(in.t.Context(), log.last)
	}
	if err != nil {
		in.t.Fatal(err)
	}
	return log.last
}

// backUp stops serve, copies the files of the log, and starts it again.
func (in *instance) backUp() (files string) {
	in.t.Helper()
	in.stop()
	files = filepath.Join(in.t.TempDir(), "nats")
	if err := os.CopyFS(files, os.DirFS(filepath.Join(in.dir, "nats"))); err != nil {
		in.t.Fatal(err)
	}
	if !in.start() {
		in.t.Fatal("serve has not started")
	}
	return files
}

// launchReplaced starts serve on a log that was replaced, and wants it to say so and to refuse events.
func (in *instance) launchReplaced(key map[string]string) (ready <-chan string) {
	in.t.Helper()
	ready = in.launch()
	said := in.awaitMissing("nats", "it accepts no events until this is decided")
	in.t.Logf("/readyz says of nats: %s", said)
	if missing, err := in.missingFor("?for=ingest"); err != nil || missing["nats"] == "" {
		in.t.Errorf("ready for ingest: %v, %v", missing, err)
	}
	in.refuses("log_foreign", key)
	return ready
}

// awaitReady waits for the ready line.
func (in *instance) awaitReady(ready <-chan string) {
	in.t.Helper()
	select {
	case <-ready:
	case <-time.After(patience):
		missing, err := in.missing()
		in.t.Fatalf("not ready: %v, %v", missing, err)
	}
}

// refuses wants an answer that nothing was stored, and why.
func (in *instance) refuses(code string, key map[string]string) {
	in.t.Helper()
	event := foldtest.Stream(foldtest.Seeded(1), 20)[0]
	event.ID = "never-sent-before"
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		err := in.post(http.DefaultClient, "http://"+in.ports[0], key, schema.Encode(&event))
		if err == nil {
			in.t.Fatal("events are accepted")
		}
		if strings.Contains(err.Error(), "503") && strings.Contains(err.Error(), code) {
			return
		}
		if time.Now().After(deadline) {
			in.t.Fatal(err)
		}
	}
}

// TestAReplacedLogIsRestoredUnderTraffic replaces the log by an older copy, by an empty one, and by
// an older copy together with the notes about it, as the manual describes the restoration of a
// backup, while senders never stop. No event is accepted until the archive has returned what is
// missing; then every acknowledged event is in the tables. Without the notes, only the projector
// notices, and the events that are accepted before are not lost either.
func TestAReplacedLogIsRestoredUnderTraffic(t *testing.T) {
	t.Parallel()
	in := newInstance(t, build(t))
	l := underLoad(t, in, usual)
	l.awaitAcknowledged(300)
	resume := l.settled()
	backup := in.backUp()
	resume()
	for _, c := range []struct {
		files  string
		forget bool
	}{{files: backup}, {}, {backup, true}} {
		l.awaitAcknowledged(300)
		resume := l.settled()
		in.stop()
		in.replace(c.files)
		if c.forget {
			if err := os.Remove(filepath.Join(in.dir, "log-ledger.json")); err != nil {
				t.Fatal(err)
			}
			resume()
		}
		ready := in.launchReplaced(l.key)
		resume()
		in.command("log", "restore")
		in.awaitReady(ready)
		l.awaitAcknowledged(300)
		in.renumbered = true
		l.compareAll()
	}
	in.command("replay")
	l.compareAll()
}

// started is an instance that runs, and the key of its administrator.
func started(t *testing.T) (in *instance, key map[string]string) {
	t.Helper()
	in = newInstance(t, build(t))
	if !in.start() {
		t.Fatal("serve has not started")
	}
	in.read("admin-key.json", &key)
	return in, key
}

// TestEventsOfAReplacedLogComeAfterTheArchivedOnes has an older copy of the log, without the notes about it, that takes events until it is
// longer than the tables know: as fast as they are sent, before the projector notices. The last of them has the identity of an archived
// event and says something else: the archived one was the first, and counts.
func TestEventsOfAReplacedLogComeAfterTheArchivedOnes(t *testing.T) {
	t.Parallel()
	in, key := started(t)
	p := plot{key: foldtest.Conversation(hostileProject, 1), now: 1_700_000_000_000}
	p.happen(schema.TypeOpened, &schema.Opened{Channel: "EMAIL"})
	p.happen(schema.TypePushed, &schema.Pushed{To: schema.User{ID: 1, Kind: schema.KindBot}})
	for n := range 6 {
		p.happen(schema.TypeTagged, &schema.Tagged{Tag: schema.Ref{ID: fmt.Sprint(n)}})
	}
	again := p.events[1]
	again.Data = &schema.Pushed{To: schema.User{ID: 2, Kind: schema.KindBot}}
	p.events = append(p.events, again)
	p.happen(schema.TypeClosed, &schema.Closed{})
	send := func(n int) error {
		return in.post(http.DefaultClient, "http://"+in.ports[0], key, schema.Encode(&p.events[n]))
	}
	succeed := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	succeed(send(0))
	in.allProjected()
	backup := in.backUp()
	succeed(send(1))
	position := in.allProjected()
	in.stop()
	in.replace(backup)
	if err := os.Remove(filepath.Join(in.dir, "log-ledger.json")); err != nil {
		t.Fatal(err)
	}
	ready := in.launch()
	next, deadline := 2, time.Now().Add(patience)
	for next < len(p.events)-1 {
		if err := send(next); err == nil {
			next++
		} else if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	in.awaitMissing("nats", "it accepts no events until this is decided")
	if log, err := in.readLog(t.Context()); err != nil || log.last <= position {
		t.Fatalf("the log ends at %d, the tables know it up to %d: %v", log.last, position, err)
	}
	in.command("log", "restore")
	in.awaitReady(ready)
	succeed(send(next))
	in.renumbered = true
	for _, when := range []string{"restored", "replayed"} {
		v, err := in.check(t.Context(), nil)
		if err != nil || v.events != len(p.events)-1 || v.lost+v.doubled+v.differing > 0 {
			t.Errorf("%s: %+v, %v", when, v, err)
		}
		in.command("replay")
	}
	in.stop()
}

// TestAReplacedLogIsAdopted uses an older copy of the log as it is: no sequence is assigned twice,
// and a replay makes the tables those of this log.
func TestAReplacedLogIsAdopted(t *testing.T) {
	t.Parallel()
	in, key := started(t)
	sent := 0
	send := func() {
		t.Helper()
		var body []byte
		events := foldtest.Stream(foldtest.Seeded(uint64(sent)+11), 40)
		for i := range events {
			foldtest.MoveTo(&events[i], events[i].Project+schema.ProjectID(10*sent))
			body = append(append(body, schema.Encode(&events[i])...), '\n')
		}
		sent++
		if err := in.post(http.DefaultClient, "http://"+in.ports[0], key, body); err != nil {
			t.Fatal(err)
		}
	}
	send()
	in.allProjected()
	backup := in.backUp()
	send()
	last := in.allProjected()
	in.stop()
	in.replace(backup)
	ready := in.launchReplaced(key)

	if output, err := in.run(nil, "log", "adopt"); err == nil {
		t.Errorf("adopted without confirmation: %s", output)
	}
	in.refuses("log_foreign", key)
	in.command("log", "adopt", "--yes")
	in.awaitReady(ready)
	send()
	in.allProjected()
	log, err := in.readLog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if after := log.records[len(log.records)-1].Sequence; after <= last {
		t.Errorf("the log ends at %d, but sequences up to %d were assigned before", after, last)
	}
	in.command("replay")
	in.command("verify")
	v, err := in.check(t.Context(), nil)
	if err != nil || v.events == 0 || v.lost+v.doubled+v.differing > 0 {
		t.Errorf("%+v, %v", v, err)
	}
	if output := in.command("log", "adopt", "--yes"); !strings.Contains(output, "nothing to adopt") {
		t.Errorf("adopted again: %s", output)
	}
	in.stop()
}

// quarantined are the entries of quarantine in a version of the tables, by log and without their sequences.
func (in *instance) quarantined(version int, log string) (entries []string) {
	in.t.Helper()
	err := in.owner().ask(in.t.Context(), fmt.Sprintf("SELECT reason, detail, source, event_id, hex(original) AS original FROM parley_%d.quarantine FINAL WHERE log = '%s'", version, log),
		func(row map[string]any) { entries = append(entries, fmt.Sprint(row)) })
	if err != nil {
		in.t.Fatal(err)
	}
	slices.Sort(entries)
	return entries
}

// awaitQuarantined waits for a number of entries.
func (in *instance) awaitQuarantined(version int, log string, want int) []string {
	in.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		found := in.quarantined(version, log)
		if len(found) == want {
			return found
		}
		if time.Now().After(deadline) {
			in.t.Fatalf("quarantine has %d entries of the %s log, want %d: %v", len(found), log, want, found)
		}
	}
}

// TestQuarantineOfAReplacedLogIsRestored replaces the log with an older copy, which lacks rejected events and messages that are not
// events. Each of them is restored once and is in quarantine as before, even after the tables have been rebuilt.
func TestQuarantineOfAReplacedLogIsRestored(t *testing.T) {
	t.Parallel()
	in, key := started(t)
	reject := func(id string) {
		t.Helper()
		body := fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"s","type":"unknown","projectid":1,"time":"2024-03-01T10:00:00Z","subject":"x"}`, id)
		request, err := http.NewRequest(http.MethodPost, "http://"+in.ports[0]+"/v1/events", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("content-type", "application/x-ndjson")
		request.Header.Set("x-api-id", key["id"])
		request.Header.Set("x-api-secret", key["secret"])
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if answer, err := io.ReadAll(response.Body); err != nil || !strings.Contains(string(answer), "UNKNOWN_TYPE") {
			t.Fatalf("%s: %s, %v", response.Status, answer, err)
		}
	}
	publish := func(text string) {
		t.Helper()
		conn, _ := in.natsOf()
		defer conn.Close()
		if answer, err := conn.Request("parley.publish."+text, []byte("no event \xff "+text), patience); err != nil || strings.Contains(string(answer.Data), `"error"`) {
			t.Fatalf("%s, %v", answer.Data, err)
		}
	}
	for _, id := range []string{"a", "b", "c"} {
		reject(id)
		publish(id)
	}
	in.awaitQuarantined(1, "rejected", 3)
	in.awaitQuarantined(1, "events", 3)
	backup := in.backUp()
	for _, id := range []string{"d", "e", "f", "g"} {
		reject(id)
		publish(id)
	}
	rejected, unreadable := in.awaitQuarantined(1, "rejected", 7), in.awaitQuarantined(1, "events", 7)
	in.stop()
	in.replace(backup)
	ready := in.launchReplaced(key)
	if output := in.command("log", "restore", "--dry-run"); !strings.Contains(output, "PARLEY_REJECTED lacks 4 rejected events") || !strings.Contains(output, "PARLEY_EVENTS lacks 4 events") {
		t.Error(output)
	}
	output := in.command("log", "restore")
	for log, called := range map[string]string{"PARLEY_REJECTED": "rejected events", "PARLEY_EVENTS": "events"} {
		if want := log + " is the log of the tables again: 4 " + called + " that the tables had were appended, and 0 that"; !strings.Contains(output, want) {
			t.Errorf("%s\nlacks %s", output, want)
		}
	}
	if !strings.Contains(output, "run `parley replay`") {
		t.Errorf("%s\ndoes not say what is left to do", output)
	}
	in.awaitReady(ready)
	if got := in.awaitQuarantined(1, "rejected", 7); !slices.Equal(got, rejected) {
		t.Errorf("rejected events are %v, were %v", got, rejected)
	}
	in.command("replay")
	for log, want := range map[string][]string{"rejected": rejected, "events": unreadable} {
		if got := in.awaitQuarantined(2, log, 7); !slices.Equal(got, want) {
			t.Errorf("after a replay, quarantine has of the %s log %v, had %v", log, got, want)
		}
	}

	// A record that is lost comes back, too.
	_, js := in.natsOf()
	stream, err := js.Stream(t.Context(), "PARLEY_REJECTED")
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.DeleteMsg(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	if output, err := in.run(nil, "log", "check"); err == nil || !strings.Contains(output, "1 of their events can be restored") {
		t.Errorf("%s, %v", output, err)
	}
	output = in.command("log", "restore")
	for _, want := range []string{"PARLEY_EVENTS lacks nothing\n", "1 rejected events were appended to PARLEY_REJECTED again\n"} {
		if !strings.Contains(output, want) {
			t.Errorf("%s\nlacks %s", output, want)
		}
	}
	in.command("log", "check")
	in.command("replay")
	if got := in.awaitQuarantined(3, "rejected", 7); !slices.Equal(got, rejected) {
		t.Errorf("after damage, rejected events are %v, were %v", got, rejected)
	}
	in.stop()
}
