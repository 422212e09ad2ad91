package eventlog

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/ingest/eventlog/record"
	"github.com/parley-analytics/parley/schema"
)

// TestErasedEventsAreGapsForTheReader erases from the middle and the ends of records, and whole ones.
func TestErasedEventsAreGapsForTheReader(t *testing.T) {
	server := enginetest.NATS(t)
	b := open(t, server)
	s := b.Events()
	var sent []Message
	for n := range 4 {
		some := messages(10*n, 10*n+9)
		sent = append(sent, some...)
		mustAppend(t, s, some...)
	}
	gone := []schema.Sequence{at(1, 3), at(1, 4), at(3, 0), at(4, 9)}
	for index := range 10 {
		gone = append(gone, at(2, index))
	}
	if err := s.Erase(testContext(t), gone...); err != nil {
		t.Fatal(err)
	}
	more := []schema.Sequence{at(1, 9), at(1, 3), at(4, 9), at(4, 4000), at(99, 1)}
	for _, sequence := range more { // some again, some that never were
		if err := s.Erase(testContext(t), sequence); err != nil {
			t.Fatal(err)
		}
	}
	gone = append(gone, at(1, 9))
	want := map[schema.Sequence][]byte{}
	for i, r := range receipts(1, 10, 10, 10, 10) {
		if !slices.Contains(gone, r.Sequence) {
			want[r.Sequence] = sent[i].Payload
		}
	}
	check := func(t *testing.T, s *Stream) {
		t.Helper()
		begun := time.Now()
		entries := readAll(t, s.NewReader(), 0, at(5, 0)-1)
		if time.Since(begun) > stillness {
			t.Errorf("reading took %v: records at the end were waited for", time.Since(begun))
		}
		if len(entries) != len(want) {
			t.Fatalf("%d entries, want %d", len(entries), len(want))
		}
		for _, e := range entries {
			if !bytes.Equal(e.Payload, want[e.Sequence]) || e.ReceivedAt.IsZero() {
				t.Errorf("%d: %s", e.Sequence, e.Payload)
			}
			got, err := s.Get(testContext(t), e.Sequence)
			if err != nil || !bytes.Equal(got.Payload, e.Payload) || !got.ReceivedAt.Equal(e.ReceivedAt) || got.Through != e.Through {
				t.Errorf("get %d: %+v, %v; the reader had %+v", e.Sequence, got, err, e)
			}
			next, err := s.Next(testContext(t), e.Sequence-1)
			if err != nil || next.Sequence != e.Sequence {
				t.Errorf("next before %d: %d, %v", e.Sequence, next.Sequence, err)
			}
		}
		for _, sequence := range gone {
			if _, err := s.Get(testContext(t), sequence); !errors.Is(err, ErrNotFound) {
				t.Errorf("get %d: %v", sequence, err)
			}
		}
		if next, err := s.NewReader().Next(testContext(t), at(1, 8)); err != nil || next != at(3, 1) {
			t.Errorf("next after %d: %d, %v", at(1, 8), next, err)
		}
		if lost, err := s.Damage(testContext(t)); lost != nil || err != nil {
			t.Errorf("damage: %v, %v", lost, err)
		}
	}
	check(t, s)
	check(t, open(t, server).Events())
	if state, err := s.State(testContext(t)); err != nil || state.First != at(1, 0) || state.Last != at(5, 0)-1 {
		t.Errorf("state %+v, %v", state, err)
	}

	// What is appended later follows.
	mustAppend(t, s, message(100))
	if entries := readAll(t, s.NewReader(), at(3, 5), at(5, 0)); len(entries) != 14 || entries[13].Sequence != at(5, 0) {
		t.Errorf("%d entries after %d", len(entries), at(3, 5))
	}
	// What is left is dropped with the records before and after it.
	if err := s.DropBefore(testContext(t), at(4, 0)); err != nil {
		t.Fatal(err)
	}
	if entries := readAll(t, s.NewReader(), 0, at(5, 0)); len(entries) != 10 || entries[0].Sequence != at(4, 0) {
		t.Errorf("%d entries", len(entries))
	}
	bucket, err := s.openRewritten(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if keys, err := bucket.Keys(testContext(t), s.name+"."); err != nil || !slices.Equal(keys, []string{s.rewrittenKey(4)}) {
		t.Errorf("keys %v, %v", keys, err)
	}
}

// TestErasedBytesAreNotOnDisk looks for them in every file of the server, compressed or not.
func TestErasedBytesAreNotOnDisk(t *testing.T) {
	server := enginetest.NATS(t)
	s := open(t, server).Events()
	mustAppend(t, s, messages(1, 50)...)
	for _, index := range []int{20, 30} { // the second rewrites what the first has rewritten
		if err := s.Erase(testContext(t), at(1, index)); err != nil {
			t.Fatal(err)
		}
	}
	var records [][]byte // as they were stored
	codec := s.broker.codec
	events := func(skip ...int) (all [][]byte) {
		for n := range 50 {
			if !slices.Contains(skip, n) {
				all = append(all, message(n+1).Payload)
			}
		}
		return all
	}
	for _, held := range [][][]byte{events(), events(20)} {
		_, payload, err := codec.Encode(record.Batch{Events: held})
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, payload)
	}
	_, left, err := codec.Encode(record.Batch{Events: events(20, 30)})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	err = filepath.WalkDir(server.Dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for i, erased := range records {
			if bytes.Contains(content, erased) {
				t.Errorf("%s holds the record as it was before erasure %d", path, i+1)
			}
		}
		if bytes.Contains(content, left) {
			found++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found != 1 {
		t.Errorf("what is left is in %d files: the test tests nothing", found)
	}
}

// TestInterruptedErasureIsRepeated stops it between its steps.
func TestInterruptedErasureIsRepeated(t *testing.T) {
	s := open(t, enginetest.NATS(t)).Events()
	mustAppend(t, s, messages(1, 5)...)
	mustAppend(t, s, messages(6, 9)...)
	m, err := s.stored(testContext(t), 1, false)
	if err != nil {
		t.Fatal(err)
	}
	left := &remains{number: 1, entries: s.entries(m)}
	left.entries = slices.Delete(left.entries, 1, 3)
	if err := s.keepRemains(testContext(t), left); err != nil {
		t.Fatal(err)
	}
	if n := len(readAll(t, s.NewReader(), 0, at(2, 3))); n != 9 {
		t.Fatalf("%d entries: the record is still there", n)
	}
	if err := s.Erase(testContext(t), at(1, 1), at(1, 2), at(1, 4)); err != nil {
		t.Fatal(err)
	}
	var got []schema.Sequence
	for _, e := range readAll(t, s.NewReader(), 0, at(2, 3)) {
		got = append(got, e.Sequence)
	}
	if want := []schema.Sequence{at(1, 0), at(1, 3), at(2, 0), at(2, 1), at(2, 2), at(2, 3)}; !slices.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
}

// TestAReaderInTheMiddleOfARecordGoesOnWhenItIsRewritten stands between two events of it.
func TestAReaderInTheMiddleOfARecordGoesOnWhenItIsRewritten(t *testing.T) {
	s := open(t, enginetest.NATS(t)).Events()
	mustAppend(t, s, messages(1, 10)...)
	if err := s.Erase(testContext(t), at(1, 2), at(1, 7)); err != nil {
		t.Fatal(err)
	}
	var got []schema.Sequence
	for _, e := range readAll(t, s.NewReader(), at(1, 5), at(1, 9)) {
		got = append(got, e.Sequence)
	}
	if want := []schema.Sequence{at(1, 6), at(1, 8), at(1, 9)}; !slices.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
}

// writeSingles appends messages as the version before did, which knew no records, and leaves settings
// and the ledger as it did.
func writeSingles(t *testing.T, b *Broker, from, to int) {
	t.Helper()
	s := b.Events()
	s.singles.Store(unmigrated)
	for n := from; n <= to; n++ {
		if got := mustAppend(t, s, singles(n, n)...); got[0].Sequence != schema.Sequence(n) {
			t.Fatal(got)
		}
	}
	stream, err := b.js.Stream(testContext(t), s.name)
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	delete(config.Metadata, singlesKey)
	config.Metadata[versionKey] = "1"
	if _, err := b.js.UpdateStream(testContext(t), config); err != nil {
		t.Fatal(err)
	}

	ledger, err := s.ledger.open(testContext(t))
	if err == nil {
		err = ledger.Delete(testContext(t), s.name+".singles")
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestALogOfSingleMessagesGoesOnWithRecords has the settings, the messages and the ledger of the
// version before: their sequences, and positions in them, stay what they were.
func TestALogOfSingleMessagesGoesOnWithRecords(t *testing.T) {
	server := enginetest.NATS(t)
	b := open(t, server)
	writeSingles(t, b, 1, 20)
	if err := b.Events().Erase(testContext(t), 4); err != nil {
		t.Fatal(err)
	}

	observer := open(t, server, func(o *Options) { o.Observe = true }).Events()
	if entries := readAll(t, observer.NewReader(), 0, 20); len(entries) != 19 || entries[18].Sequence != 20 || entries[18].Through != 20 {
		t.Fatalf("%d entries: %v", len(entries), entries)
	}
	both := [2]*Stream{}
	for i := range both { // the second finds what the first has decided
		both[i] = open(t, server).Events()
		mustAppend(t, both[i], messages(100*i, 100*i+2)...)
	}
	want := []schema.Sequence{1, 2, 3}
	for n := schema.Sequence(5); n <= 20; n++ {
		want = append(want, n)
	}
	for _, r := range receipts(21, 3, 3) {
		want = append(want, r.Sequence)
	}
	for name, s := range map[string]*Stream{"first": both[0], "second": both[1], "observer": observer} {
		last, err := s.Last(testContext(t))
		if err != nil {
			t.Fatal(err)
		}
		if name == "observer" {
			last = at(22, 2)
		}
		for from, after := range map[int]schema.Sequence{0: 0, 3: 3, 18: 19, 19: 20, 20: at(21, 0)} {
			var got []schema.Sequence
			for _, e := range readAll(t, s.NewReader(), after, last) {
				got = append(got, e.Sequence)
			}
			if !slices.Equal(got, want[from:]) {
				t.Errorf("%s, after %d: %v, want %v", name, after, got, want[from:])
			}
		}
		if lost, err := s.Damage(testContext(t)); lost != nil || err != nil {
			t.Errorf("%s: %v, %v", name, lost, err)
		}
	}
	s := both[1]
	for _, sequence := range []schema.Sequence{7, at(21, 1)} {
		if err := s.Erase(testContext(t), sequence); err != nil {
			t.Fatal(err)
		}
		want = slices.DeleteFunc(want, func(w schema.Sequence) bool { return w == sequence })
	}
	if got := s.Skip(19, 1); got != 20 {
		t.Errorf("one record after 19 is %d", got)
	}
	if got := s.Skip(19, 2); got != at(21, 0) {
		t.Errorf("two records after 19 is %d", got)
	}
	if err := s.DropBefore(testContext(t), 6); err != nil {
		t.Fatal(err)
	}
	var got []schema.Sequence
	for _, e := range readAll(t, s.NewReader(), 0, at(22, 2)) {
		got = append(got, e.Sequence)
	}
	if !slices.Equal(got, want[4:]) {
		t.Errorf("%v, want %v", got, want[4:])
	}
	if first, err := s.NewReader().First(context.Background()); err != nil || first != 6 {
		t.Errorf("first %d, %v", first, err)
	}
}

// TestCutKeepsTheBeginningOfARecord cuts a log in the middle of a record, at its end, and where none is left.
func TestCutKeepsTheBeginningOfARecord(t *testing.T) {
	for name, c := range map[string]struct {
		after, last schema.Sequence
		left        int
	}{
		"inside":       {at(2, 3), at(2, 3), 14},
		"at its end":   {at(3, 0) - 1, at(2, 9), 20},
		"at its event": {at(2, 9), at(2, 9), 20},
		"the last":     {at(3, 4), at(3, 4), 25},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, enginetest.NATS(t)).Events()
			mustAppend(t, s, messages(1, 10)...)
			mustAppend(t, s, messages(11, 20)...)
			mustAppend(t, s, messages(21, 30)...)
			if err := s.Cut(testContext(t), c.after); err != nil {
				t.Fatal(err)
			}
			for number := record.Number(1); number <= 3; number++ { // what a restore has left out
				if at(number, 0) > c.after {
					if err := s.delete(testContext(t), number); err != nil {
						t.Fatal(err)
					}
				}
			}
			if entries := readAll(t, s.NewReader(), 0, c.last); len(entries) != c.left || entries[c.left-1].Sequence != c.last {
				t.Errorf("%d entries are left, want %d", len(entries), c.left)
			}
			if next, err := s.NewReader().Next(testContext(t), c.last); next != 0 || err != nil {
				t.Errorf("%d follows, %v", next, err)
			}
			if lost, err := s.Damage(testContext(t)); lost != nil || err != nil {
				t.Errorf("damage: %v, %v", lost, err)
			}
			if got := mustAppend(t, s, message(31)); got[0].Sequence != at(4, 0) {
				t.Errorf("appended at %d", got[0].Sequence)
			}
		})
	}
}
