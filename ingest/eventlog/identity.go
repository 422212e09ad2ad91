package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/parley-analytics/parley/ingest/eventlog/record"
	"github.com/parley-analytics/parley/schema"
)

// identityKey is the name of a stream's identity in its metadata: random, made with
// the stream, and the same in every copy of it.
const identityKey = "parley.log"

// Remedy is what to do about a log that is not the one that was written before.
const Remedy = "put the right log back, or run `parley log restore` (append what the archive in ClickHouse has and the log lacks) " +
	"or `parley log adopt` (use the log as it is), then `parley replay`"

// ErrForeign means that the log is not the one that was written before. It accepts
// no events until an operator decides which log counts.
var ErrForeign = errors.New("the log is not the one that was written before")

// ForeignError is an ErrForeign with what was found.
type ForeignError struct {
	Stream string
	Reason string
}

// Error names the reason and what to do.
func (e *ForeignError) Error() string {
	return fmt.Sprintf("%v: %s: %s; it accepts no events until this is decided: %s", ErrForeign, e.Stream, e.Reason, Remedy)
}

// Is makes it an ErrForeign.
func (e *ForeignError) Is(class error) bool { return class == ErrForeign }

// Note is what is known of a stream apart from the server that holds it.
type Note struct {
	Log     string        `json:"log"`     // its identity
	Reached record.Number `json:"reached"` // the last record that was acknowledged, within a moment
}

// notebook is a file with a note of every stream, apart from the server's files, so that
// restoring those does not bring it back. Processes may share it. It is not synced: after a
// power loss it may be older or empty, which only means that less is known.
type notebook struct {
	path string // empty: nothing is noted
	mu   sync.Mutex
}

func (n *notebook) read() (map[string]Note, error) {
	notes := map[string]Note{}
	if n.path == "" {
		return notes, nil
	}
	text, err := os.ReadFile(n.path)
	if errors.Is(err, fs.ErrNotExist) {
		return notes, nil
	}
	if err != nil {
		return nil, fmt.Errorf("notes of the log: %w", err)
	}
	if json.Unmarshal(text, &notes) != nil { // cut off by a power loss
		clear(notes)
	}
	return notes, nil
}

// of returns the note of a stream, an empty one where there is none.
func (n *notebook) of(stream string) (Note, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	notes, err := n.read()
	return notes[stream], err
}

// note writes the note of a stream. The sequence of the same log never decreases.
func (n *notebook) note(stream string, to Note) error {
	if n.path == "" {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	notes, err := n.read()
	if err != nil {
		return err
	}
	if before := notes[stream]; before.Log == to.Log && before.Reached >= to.Reached {
		return nil
	}
	notes[stream] = to
	text, err := json.Marshal(notes)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(n.path), 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(n.path), "."+filepath.Base(n.path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // it is gone when all went well
	_, err = file.Write(append(text, '\n'))
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(file.Name(), n.path)
	}
	return err
}

// Identity returns the identity of the stream, empty for one that no Parley has opened for writing.
func (s *Stream) Identity() string {
	if id := s.id.Load(); id != nil {
		return *id
	}
	return ""
}

// Foreign returns why the stream accepts no events, or nil: see [ForeignError]. It asks the
// server and reads the notes, so a command finds what a role has found.
func (s *Stream) Foreign(ctx context.Context) (*ForeignError, error) {
	known, info, err := s.look(ctx)
	if err != nil {
		return nil, err
	}
	return known.judge(s.name, info), nil
}

// knowledge is what is known of a stream: from the ledger, which is kept by the same
// server and goes back with it, and from the notes, which do not.
type knowledge struct {
	reached  record.Number // by the ledger
	disowned string        // why it was disowned, see Disown
	instead  []string      // identities of the logs that it has replaced, see Adopt
	noted    Note
}

// look reads in the opposite order of writing (notes, ledger, stream), so that events appended
// meanwhile never make a log look older than its notes.
func (s *Stream) look(ctx context.Context) (*knowledge, *streamInfo, error) {
	k := &knowledge{}
	var err error
	if k.noted, err = s.broker.notes.of(s.name); err != nil {
		return nil, nil, err
	}
	if err := s.consult(ctx, k); err != nil {
		return nil, nil, err
	}
	info, err := s.info(ctx, false)
	return k, info, err
}

// consult reads the ledger.
func (s *Stream) consult(ctx context.Context, k *knowledge) error {
	l := s.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.load(ctx, run{}); err != nil {
		return err
	}
	k.reached = l.reached
	for key, do := range map[string]func(string){
		"disowned": func(value string) { k.disowned = value },
		"instead":  func(value string) { k.instead = strings.Fields(value) },
	} {
		value, err := l.bucket.Get(ctx, s.name+"."+key)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return fmt.Errorf("ledger: %w", err)
		}
		do(string(value))
	}
	return nil
}

// judge decides whether a stream is the one that was written before. One that only lacks its end,
// with the ledger intact, is damaged and not foreign.
func (k *knowledge) judge(stream string, info *streamInfo) *ForeignError {
	last, id := record.Number(info.State.LastSeq), info.Config.Metadata[identityKey]
	foreign := func(format string, values ...any) *ForeignError {
		return &ForeignError{stream, fmt.Sprintf(format, values...)}
	}
	switch {
	case k.disowned != "":
		return foreign("%s", k.disowned)
	case k.noted.Log != "" && id != "" && k.noted.Log != id && !slices.Contains(k.instead, k.noted.Log):
		return foreign("another log was written before, up to record %d, and this one ends at %d", k.noted.Reached, last)
	case k.noted.Log == id && k.noted.Reached > max(last, k.reached):
		return foreign("it ends at record %d, but records up to %d were acknowledged: an older copy was put in its place", last, k.noted.Reached)
	case k.reached > last && k.reached-last > mostFillers:
		return foreign("it ends at record %d, but records up to %d were acknowledged", last, k.reached)
	}
	return nil
}

// highest is the last record that is known to have been given out.
func (k *knowledge) highest(id string) record.Number {
	if k.noted.Log == id {
		return max(k.reached, k.noted.Reached)
	}
	return k.reached
}

// foreignNow returns what the last look found.
func (s *Stream) foreignNow() error {
	if foreign := s.foreign.Load(); foreign != nil {
		return foreign
	}
	return nil
}

// setForeign stores what was found, and a role logs it if it is new.
func (s *Stream) setForeign(found *ForeignError) {
	before := s.foreign.Swap(found)
	switch {
	case s.broker.options.Observe: // a command returns it as its error
	case found != nil && (before == nil || *before != *found):
		s.recent.forget()
		s.broker.log.Error("the log accepts no events", "stream", s.name, "error", found)
	case found == nil && before != nil:
		s.broker.log.Info("the log accepts events again", "stream", s.name)
	}
}

// Disown makes the stream refuse events in all processes, for the reason that was given first, until
// [Stream.Own].
// The projector calls it if the tables were made from another log.
func (s *Stream) Disown(ctx context.Context, reason string) error {
	err := s.remark(ctx, "disowned", func(before []byte) []byte {
		if len(before) > 0 {
			reason = string(before)
			return nil
		}
		return []byte(reason)
	})
	if err == nil {
		s.setForeign(&ForeignError{s.name, reason})
	}
	return err
}

// Own reverts [Stream.Disown].
func (s *Stream) Own(ctx context.Context) error {
	return s.remark(ctx, "disowned", func(before []byte) []byte {
		if len(before) == 0 {
			return nil
		}
		return []byte{}
	})
}

// Adopt makes the stream the log that was written before, whichever that was. This process may
// append to it from now on, others too unless it is disowned. The records up to that of a sequence, and
// those that were acknowledged, are taken up first, so that no sequence is assigned twice; the
// sequences of those that hold nothing are returned, and remain damage until they are given up. It may
// be repeated.
func (s *Stream) Adopt(ctx context.Context, above schema.Sequence) (lacking Range, err error) {
	known, info, err := s.look(ctx)
	if err != nil {
		return lacking, err
	}
	id, last := info.Config.Metadata[identityKey], record.Number(info.State.LastSeq)
	number, _ := s.numbering().Record(above)
	target := max(number, known.highest(id))
	if target > last {
		lacking = s.ranges([]run{{last + 1, target}})[0]
	}
	if info.State.Msgs == 0 && target > last { // an empty stream skips them all at once
		stream, err := s.broker.js.Stream(ctx, s.name)
		if err != nil {
			return lacking, classed(err)
		}
		err = s.broker.once(ctx, func(ctx context.Context) error {
			return stream.Purge(ctx, jetstream.WithPurgeSequence(uint64(target)+1))
		})
		if err != nil {
			return lacking, classed(err)
		}
	} else if err := s.takeUp(ctx, last, target); err != nil {
		return lacking, err
	}
	err = s.remark(ctx, "instead", func(before []byte) []byte {
		ids := strings.Fields(string(before))
		if other := known.noted.Log; other != "" && other != id && !slices.Contains(ids, other) {
			ids = append(ids, other)
		}
		return []byte(strings.Join(ids, " "))
	})
	if err == nil {
		_, err = s.ledger.reach(ctx, max(target, last))
	}
	if err == nil {
		s.setForeign(nil)
	}
	return lacking, err
}

// remark rewrites a text in the ledger; nil keeps it.
func (s *Stream) remark(ctx context.Context, key string, do func(before []byte) []byte) error {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	return s.ledger.change(ctx, key, do)
}
