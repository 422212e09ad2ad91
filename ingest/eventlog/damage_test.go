package eventlog

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/ingest/eventlog/record"
	"github.com/parley-analytics/parley/schema"
)

// blocks are the files of the events stream.
func blocks(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", EventsStream, "msgs", "*.blk"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no blocks: %v", err)
	}
	slices.SortFunc(files, func(a, b string) int { // 2.blk before 10.blk
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return files
}

// flip changes one bit of a payload in the middle of a file.
func flip(t *testing.T, file string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	half := len(content) / 2
	at := half + bytes.Index(content[half:], []byte("padding padding"))
	content[at+4] ^= 1
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func cut(t *testing.T, file string) {
	t.Helper()
	info, err := os.Stat(file)
	if err == nil {
		err = os.Truncate(file, info.Size()/2)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, file string) {
	t.Helper()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
}

func TestDamageOfTheFilesIsNamedAndNeverPassedOver(t *testing.T) {
	index := func(file string) string { return filepath.Join(filepath.Dir(file), "index.db") }
	first := func(all []string) string { return all[0] }
	middle := func(all []string) string { return all[len(all)/2] }
	last := func(all []string) string { return all[len(all)-1] }
	for name, damage := range map[string]func(t *testing.T, all []string){
		"a bit in the first block":             func(t *testing.T, all []string) { flip(t, first(all)) },
		"a bit in a block":                     func(t *testing.T, all []string) { flip(t, middle(all)) },
		"a bit in the last block":              func(t *testing.T, all []string) { flip(t, last(all)) },
		"a block cut off":                      func(t *testing.T, all []string) { cut(t, middle(all)) },
		"the last block cut off":               func(t *testing.T, all []string) { cut(t, last(all)) },
		"the first block gone":                 func(t *testing.T, all []string) { remove(t, first(all)) },
		"a block gone":                         func(t *testing.T, all []string) { remove(t, middle(all)) },
		"the last block gone":                  func(t *testing.T, all []string) { remove(t, last(all)) },
		"no index, a bit in a block":           func(t *testing.T, all []string) { remove(t, index(all[0])); flip(t, middle(all)) },
		"no index, a bit in the last block":    func(t *testing.T, all []string) { remove(t, index(all[0])); flip(t, last(all)) },
		"no index, the last block cut off":     func(t *testing.T, all []string) { remove(t, index(all[0])); cut(t, last(all)) },
		"no index, the last block gone":        func(t *testing.T, all []string) { remove(t, index(all[0])); remove(t, last(all)) },
		"no index, the first block gone":       func(t *testing.T, all []string) { remove(t, index(all[0])); remove(t, first(all)) },
		"the last block emptied":               func(t *testing.T, all []string) { _ = os.Truncate(last(all), 0) },
		"no index, and the last block emptied": func(t *testing.T, all []string) { remove(t, index(all[0])); _ = os.Truncate(last(all), 0) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := enginetest.NATS(t)
			const stored = 30_000
			b := open(t, server, overTCP)
			var all []Message
			for n := range stored {
				all = append(all, Message{ID: message(n).ID, Payload: event(n, strings.Repeat("padding ", 80))}) // records of one
			}
			for some := range slices.Chunk(all, 5000) {
				mustAppend(t, b.Events(), some...)
			}
			erased := []record.Number{7, 8, 15_000, stored - 100}
			for _, number := range erased {
				if err := b.Events().Erase(testContext(t), at(number, 0)); err != nil {
					t.Fatal(err)
				}
			}
			b.Close()
			server.Stop()
			damage(t, blocks(t, server.Dir))
			server.Restart(t)

			b = open(t, server, overTCP)
			s, r := b.Events(), b.Events().NewReader()
			defer r.Close()
			// A sequence that was given out is not given out again.
			if receipt := mustAppend(t, s, Message{ID: "after", Payload: []byte("{}")}); receipt[0].Sequence != at(stored+1, 0) {
				t.Errorf("the next message has sequence %d", receipt[0].Sequence)
			}
			ctx := testContext(t)
			seen := map[record.Number]bool{} // each holds one event
			var missing []Range
			for after := schema.Sequence(0); after < at(stored+1, 0); {
				entries, err := r.Read(ctx, after, 5000, time.Second)
				var lost *DamageError
				if errors.As(err, &lost) {
					missing = append(missing, lost.Missing...)
					after = lost.Missing[len(lost.Missing)-1].To
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range entries {
					after = e.Through
					number, _ := s.numbering().Record(e.Sequence)
					seen[number] = true
				}
			}
			if len(missing) == 0 {
				t.Fatal("no damage was found")
			}
			for _, number := range erased {
				for _, r := range missing {
					if sequence := at(number, 0); r.From <= sequence && sequence <= r.To {
						t.Errorf("%d was erased, and is named as lost with %v", sequence, r)
					}
				}
				seen[number] = true
			}
			for _, r := range missing {
				from, _ := s.numbering().Record(r.From)
				to, _ := s.numbering().Record(r.To)
				for number := from; number <= to; number++ {
					if seen[number] {
						t.Errorf("%d is named as lost and is there", number)
					}
					seen[number] = true
				}
			}
			for number := record.Number(1); number <= stored+1; number++ {
				if !seen[number] {
					t.Fatalf("%d was passed over in silence", number)
				}
			}
			lost, err := s.Damage(ctx)
			if err != nil || lost == nil || lost.Error() != s.damageOf(merged(slices.Clone(s.found))).Error() {
				t.Errorf("damage: %v, %v; the reader found %v", lost, err, missing)
			}
			if err := b.Damaged(); err == nil || !strings.Contains(err.Error(), missing[0].String()) {
				t.Errorf("damaged: %v", err)
			}
			if err := b.Ready(); err != nil {
				t.Errorf("what is lost stops events: %v", err)
			}
			// Nor are they passed over when they are read again.
			for _, lost := range missing {
				if entries, err := r.Read(ctx, lost.From-1, 1, 7*time.Second); err == nil {
					t.Errorf("%v is given out: %v", lost, entries)
				}
				r.Close()
				if entries, err := s.NewReader().Read(ctx, lost.To-1, 1, 7*time.Second); err == nil {
					t.Errorf("the end of %v is given out: %v", lost, entries)
				}
			}
			for _, r := range missing {
				if err := s.GiveUp(ctx, r); err != nil {
					t.Fatal(err)
				}
			}
			if lost, err := s.Damage(ctx); lost != nil || err != nil {
				t.Errorf("given up, and still damaged: %v, %v", lost, err)
			}
			if err := b.Damaged(); err != nil {
				t.Errorf("given up: %v", err)
			}
			r.Close()
			for after := schema.Sequence(0); after < at(stored+1, 0); { // no error any more
				entries, err := r.Read(ctx, after, 5000, time.Second)
				if err != nil {
					t.Fatal(err)
				}
				if len(entries) > 0 {
					after = entries[len(entries)-1].Through
				}
			}
		})
	}
}

func TestDeletionOnPurposeIsNotDamage(t *testing.T) {
	server := enginetest.NATS(t)
	b := open(t, server, overTCP)
	s := b.Events()
	mustAppend(t, s, singles(1, 300)...)
	for number := record.Number(100); number <= 150; number++ {
		if err := s.Erase(testContext(t), at(number, 0)); err != nil {
			t.Fatal(err)
		}
	}
	for _, number := range []record.Number{299, 300} {
		if err := s.Erase(testContext(t), at(number, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.DropBefore(testContext(t), at(51, 0)); err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		t.Helper()
		if lost, err := s.Damage(testContext(t)); lost != nil || err != nil {
			t.Errorf("%s: %v, %v", when, lost, err)
		}
		if err := b.Damaged(); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	check("at once")
	if entries := readAll(t, s.NewReader(), 0, at(298, 0)); len(entries) != 298-50-51 {
		t.Errorf("%d entries", len(entries))
	}
	b.Close()
	server.Stop()
	remove(t, filepath.Join(filepath.Dir(blocks(t, server.Dir)[0]), "index.db"))
	server.Restart(t)
	b = open(t, server, overTCP)
	s = b.Events()
	check("after a restart without the index")
	if receipt := mustAppend(t, s, message(301)); receipt[0].Sequence != at(301, 0) {
		t.Errorf("the next message has sequence %d", receipt[0].Sequence)
	}
	check("and after more")
}

// TestWhatIsAppendedDuringAnAuditIsNotDamage has another process append, and note it in the ledger, between
// the two questions of an audit: what the stream holds, and what the ledger says.
func TestWhatIsAppendedDuringAnAuditIsNotDamage(t *testing.T) {
	server := enginetest.NATS(t)
	writer := open(t, server).Events()
	mustAppend(t, writer, message(1))
	observer := open(t, server, func(o *Options) { o.Observe = true }).Events()

	observer.ledger.mu.Lock()
	before := observer.broker.conn.Stats().InMsgs
	type result struct {
		lost *DamageError
		err  error
	}
	audited := make(chan result, 1)
	go func() {
		lost, err := observer.Damage(testContext(t))
		audited <- result{lost, err}
	}()
	for deadline := time.Now().Add(2 * time.Minute); observer.broker.conn.Stats().InMsgs == before; <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the stream is not asked")
		}
	}
	mustAppend(t, writer, message(2), message(3))
	writer.noteReached(testContext(t))
	observer.ledger.mu.Unlock()
	if r := <-audited; r.lost != nil || r.err != nil {
		t.Errorf("during the appends: %v, %v", r.lost, r.err)
	}
	if lost, err := observer.Damage(testContext(t)); lost != nil || err != nil {
		t.Errorf("and ever after: %v, %v", lost, err)
	}
}

func TestOnePageOfTheLedgerHoldsFewAndMany(t *testing.T) {
	for _, count := range []uint64{0, 1, 100, 4095, 4096, 5000, pageSize} {
		p := new(page)
		for i := range count {
			p.add(i * (pageSize / max(count, 1)))
		}
		value := p.encode()
		if *decodePage(value) != *p || len(value) > pageBytes {
			t.Errorf("%d sequences: %d bytes, not the same when read", count, len(value))
		}
	}
}
