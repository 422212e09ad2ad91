package eventlog

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
)

// noting keeps notes in a file of the test's.
func noting(t *testing.T) func(*Options) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notes.json")
	return func(o *Options) { o.Notes = path }
}

// copyTo copies the files of a stopped server.
func copyTo(t *testing.T, from, to string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// wantForeign wants a stream that takes nothing and says why.
func wantForeign(t *testing.T, b *Broker, says string) {
	t.Helper()
	s := b.Events()
	last, err := s.Last(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(testContext(t), singles(1, 2)); !errors.Is(err, ErrForeign) || errors.Is(err, ErrUnavailable) {
		t.Errorf("append: %v", err)
	}
	if _, err := s.Append(testContext(t), singles(1, 1)); !errors.Is(err, ErrForeign) {
		t.Errorf("append of one: %v", err)
	}
	if err := b.Ready(); !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "parley log restore") {
		t.Errorf("ready: %v, want %q", err, says)
	}
	if now, err := s.Last(testContext(t)); now != last || err != nil {
		t.Errorf("the log ends at %d, %v; it was %d", now, err, last)
	}
}

func TestAnOlderCopyOfTheLogTakesNothingUntilItIsAdopted(t *testing.T) {
	server, noted := enginetest.NATS(t), noting(t)
	b := open(t, server, overTCP, noted)
	mustAppend(t, b.Events(), singles(1, 20)...)
	id := b.Events().Identity()
	b.Close()
	server.Stop()
	backup := filepath.Join(t.TempDir(), "backup")
	copyTo(t, server.Dir, backup)
	server.Restart(t)
	b = open(t, server, overTCP, noted)
	mustAppend(t, b.Events(), singles(21, 50)...)
	b.Close()
	server.Stop()

	copyTo(t, backup, server.Dir)
	server.Restart(t)
	for range 2 { // a start changes nothing about it
		b = open(t, server, overTCP, noted)
		wantForeign(t, b, "it ends at record 20, but records up to 50 were acknowledged: an older copy")
		if now := b.Events().Identity(); now != id || id == "" {
			t.Errorf("identity %q, was %q", now, id)
		}
		b.Close()
	}
	role := open(t, server, overTCP, noted)
	command := open(t, server, overTCP, noted, func(o *Options) { o.Observe = true })
	foreign, err := command.Events().Foreign(testContext(t))
	if err != nil || foreign == nil {
		t.Fatalf("%v, %v", foreign, err)
	}
	lacking, err := command.Events().Adopt(testContext(t), 0)
	if err != nil || lacking != (Range{at(21, 0), at(51, 0) - 1}) {
		t.Fatalf("lacking %v, %v", lacking, err)
	}
	awaitOwn(t, role)
	if receipts := mustAppend(t, role.Events(), singles(51, 52)...); receipts[0].Sequence != at(51, 0) {
		t.Errorf("appended at %d", receipts[0].Sequence)
	}
	// What is not there is damage until it is given up.
	if lost, err := role.Events().Damage(testContext(t)); err != nil || lost == nil || len(lost.Missing) != 1 || lost.Missing[0] != lacking {
		t.Errorf("lost %v, %v", lost, err)
	}
}

// A copy may be from before the log had records: then the sequences of the lost ones had no factor.
func TestAnOlderCopyWithoutRecordsIsAdopted(t *testing.T) {
	server, noted := enginetest.NATS(t), noting(t)
	b := open(t, server, overTCP, noted)
	writeSingles(t, b, 1, 20)
	b.Close()
	server.Stop()
	backup := filepath.Join(t.TempDir(), "backup")
	copyTo(t, server.Dir, backup)
	server.Restart(t)
	b = open(t, server, overTCP, noted)
	writeSingles(t, b, 21, 50)
	b.Close()
	server.Stop()

	copyTo(t, backup, server.Dir)
	server.Restart(t)
	b = open(t, server, overTCP, noted)
	s := b.Events()
	wantForeign(t, b, "it ends at record 20, but records up to 50 were acknowledged: an older copy")
	lacking, err := s.Adopt(testContext(t), 50)
	if err != nil || lacking != (Range{21, 50}) {
		t.Fatalf("lacking %v, %v", lacking, err)
	}
	if err := s.GiveUp(testContext(t), lacking); err != nil {
		t.Error(err)
	}
	if receipts := mustAppend(t, s, messages(51, 52)...); receipts[1].Sequence != at(51, 1) {
		t.Errorf("appended at %d", receipts[1].Sequence)
	}
	if entries := readAll(t, s.NewReader(), 19, at(51, 1)); len(entries) != 3 || entries[0].Sequence != 20 || entries[1].Sequence != at(51, 0) {
		t.Errorf("%d entries: %v", len(entries), entries)
	}
	if lost, err := s.Damage(testContext(t)); err != nil || lost != nil {
		t.Errorf("lost %v, %v", lost, err)
	}
}

// awaitOwn waits until the streams take events again.
func awaitOwn(t *testing.T, b *Broker) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for b.Ready() != nil {
		if time.Now().After(deadline) {
			t.Fatal(b.Ready())
		}
		pause(testContext(t), 10*time.Millisecond)
	}
}

func TestAnotherLogTakesNothingUntilItIsAdopted(t *testing.T) {
	server, noted := enginetest.NATS(t), noting(t)
	b := open(t, server, overTCP, noted)
	mustAppend(t, b.Events(), singles(1, 20)...)
	b.Close()
	for _, filled := range []bool{false, true} {
		other := enginetest.NATS(t)
		if filled {
			b = open(t, other, overTCP)
			mustAppend(t, b.Events(), singles(1, 5)...)
			b.Close()
		}
		b = open(t, other, overTCP, noted)
		wantForeign(t, b, "another log was written before, up to record 20")
		if _, err := b.Events().Adopt(testContext(t), at(30, 0)); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Rejected().Adopt(testContext(t), 0); err != nil {
			t.Fatal(err)
		}
		awaitOwn(t, b)
		if receipts := mustAppend(t, b.Events(), singles(51, 52)...); receipts[0].Sequence <= at(30, 0) {
			t.Errorf("appended at %d", receipts[0].Sequence)
		}
		b.Close()
		// The one before is another one now.
		b = open(t, server, overTCP, noted)
		wantForeign(t, b, "another log was written before")
		for _, s := range b.streams() {
			if _, err := s.Adopt(testContext(t), 0); err != nil {
				t.Fatal(err)
			}
		}
		awaitOwn(t, b)
		b.Close()
	}
}

func TestADisownedLogTakesNothingInAnyProcess(t *testing.T) {
	server := enginetest.NATS(t)
	a, b := open(t, server, noting(t)), open(t, server, noting(t))
	if err := a.Events().Disown(testContext(t), "the tables were made of another log"); err != nil {
		t.Fatal(err)
	}
	wantForeign(t, a, "the tables were made of another log")
	deadline := time.Now().Add(patience)
	for b.Ready() == nil && time.Now().Before(deadline) {
		pause(testContext(t), 10*time.Millisecond)
	}
	wantForeign(t, b, "the tables were made of another log")
	if err := a.Events().Own(testContext(t)); err != nil {
		t.Fatal(err)
	}
	awaitOwn(t, a)
	awaitOwn(t, b)
	mustAppend(t, b.Events(), singles(1, 2)...)
}

// A log of an earlier version has no identity, and nothing is noted of it: it is
// adopted as it is.
func TestALogWithoutIdentityIsAdopted(t *testing.T) {
	server, noted := enginetest.NATS(t), noting(t)
	b := open(t, server, overTCP)
	mustAppend(t, b.Events(), singles(1, 20)...)
	stream, err := b.js.Stream(testContext(t), EventsStream)
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	delete(config.Metadata, identityKey)
	if _, err := b.js.UpdateStream(testContext(t), config); err != nil {
		t.Fatal(err)
	}
	b.Close()
	b = open(t, server, overTCP, noted)
	if b.Events().Identity() == "" {
		t.Error("it has no identity")
	}
	mustAppend(t, b.Events(), singles(21, 22)...)
	b.Close()
	note, err := open(t, server, overTCP, noted).notes.of(EventsStream)
	if err != nil || note.Reached != 22 || note.Log != b.Events().Identity() {
		t.Errorf("noted: %+v, %v", note, err)
	}
}

// Where only the stream has lost its end, the ledger knows it: that is damage, and the
// log goes on behind it.
func TestALostEndIsNotAnotherLog(t *testing.T) {
	server, noted := enginetest.NATS(t, enginetest.SyncAlways()), noting(t)
	b := open(t, server, overTCP, noted)
	mustAppend(t, b.Events(), singles(1, 200)...)
	b.Close()
	server.Stop()
	for _, block := range blocks(t, server.Dir) {
		if err := os.Truncate(block, 4000); err != nil {
			t.Fatal(err)
		}
		_ = os.Remove(filepath.Join(filepath.Dir(block), "index.db"))
	}
	server.Restart(t)
	b = open(t, server, overTCP, noted)
	if receipts := mustAppend(t, b.Events(), singles(301, 301)...); receipts[0].Sequence != at(201, 0) {
		t.Errorf("appended at %d", receipts[0].Sequence)
	}
	if b.Damaged() == nil {
		t.Error("it is not damaged")
	}
}

// A stream shows a batch before it is on disk. Until its sender is answered, nothing is lost if it is.
func TestOnlyWhatWasAcknowledgedIsRecorded(t *testing.T) {
	server, noted := enginetest.NATS(t), noting(t)
	b := open(t, server, overTCP, noted)
	s := b.Events()
	mustAppend(t, s, messages(1, 5)...)
	if err := b.conn.Publish(s.subject, []byte("not answered to anybody here")); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(patience)
	for last, err := s.last(testContext(t)); last < 2; last, err = s.last(testContext(t)) {
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("the log ends with record %d, %v", last, err)
		}
		pause(testContext(t), 10*time.Millisecond)
	}
	s.noteReached(testContext(t))
	note, err := b.notes.of(EventsStream)
	if err != nil || note.Reached != 1 {
		t.Errorf("noted: %+v, %v; want 1", note, err)
	}
	known := &knowledge{}
	if err := s.consult(testContext(t), known); err != nil || known.reached != 1 {
		t.Errorf("the ledger says %d, %v; want 1", known.reached, err)
	}
	mustAppend(t, s, messages(6, 7)...)
	s.noteReached(testContext(t))
	if note, err := b.notes.of(EventsStream); err != nil || note.Reached != 3 {
		t.Errorf("noted: %+v, %v; want 3", note, err)
	}
}
