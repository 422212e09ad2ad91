package erase

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/parley-analytics/parley/projector/sink"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

// Target selects the personal data to erase: all conversations in which a
// visitor takes part, or single conversations.
type Target struct {
	Project       schema.ProjectID
	Visitor       *string
	Conversations []schema.ConversationID
}

// Found is what an erasure would affect.
type Found struct {
	Conversations []schema.ConversationID
	Events        int // that contain what is erased
	Redacted      int // that were redacted before
	Refused       int // quarantine entries that appear to belong to the conversations
	// Stale means that the log is redacted, but tables may still contain what was erased, because
	// an erasure was interrupted or versions of the projection are kept.
	Stale bool
}

// Nothing reports whether there is nothing to erase.
func (f *Found) Nothing() bool { return f.Events == 0 && f.Refused == 0 && !f.Stale }

// version is a message of the log, decoded.
type version struct {
	entry    schema.Entry
	event    schema.Event
	redacted bool
}

// search is what was found, and what has to be done.
type search struct {
	live      uint32
	positions map[string]schema.Sequence // of the live version, read first
	affected  map[schema.ConversationID]bool
	profile   schema.ConversationID // subject of the visitor's profile, if a visitor is erased

	copies   []version         // to be appended, redacted
	erase    []schema.Sequence // of the log of events; those that name the visitor come last
	stay     []version         // redacted before, and counting
	spoiled  []schema.Sequence // rows of quarantine of the log of events
	rejected []schema.Sequence // of the log of rejections
	whole    int               // events of profiles, of which no copy stays
	stale    bool
}

// Find returns what an erasure would affect.
func (e *Erasure) Find(ctx context.Context, target Target) (*Found, error) {
	s, err := e.search(ctx, target)
	if err != nil {
		return nil, err
	}
	return s.found(), nil
}

func (s *search) found() *Found {
	f := &Found{Events: len(s.copies) + s.whole, Redacted: len(s.stay), Refused: len(s.spoiled) + len(s.rejected), Stale: s.stale}
	for id := range s.affected {
		if id != s.profile {
			f.Conversations = append(f.Conversations, id)
		}
	}
	slices.Sort(f.Conversations)
	return f
}

func (e *Erasure) search(ctx context.Context, target Target) (*search, error) {
	s := &search{affected: map[schema.ConversationID]bool{}}
	var err error
	if s.live, err = e.Tables.Live(ctx); err != nil {
		return nil, err
	}
	// The positions are read before the ends of the logs: the scan covers everything in the tables up to them.
	if s.positions, err = e.Tables.Positions(ctx, s.live); err != nil {
		return nil, err
	}
	if target.Visitor == nil {
		for _, id := range target.Conversations {
			s.affected[id] = true
		}
	} else {
		s.profile = schema.ProfileSubject(target.Project, schema.ProfileCustomer, *target.Visitor)
		if err := e.conversationsOf(ctx, target, s); err != nil {
			return nil, err
		}
	}
	all, err := e.versions(ctx, target, s)
	if err != nil {
		return nil, err
	}
	for _, id := range target.Conversations {
		if !slices.ContainsFunc(all, func(v version) bool { return v.event.Conversation == id }) {
			delete(s.affected, id)
		}
	}
	if err := e.sort(ctx, target, s, all); err != nil {
		return nil, err
	}
	if len(s.affected) > mostConversations {
		return nil, fmt.Errorf("one erasure cannot cover %d conversations: erase them one by one by their ids", len(s.affected))
	}
	if s.stale, err = e.stale(ctx, target, s); err != nil {
		return nil, err
	}
	return s, e.refused(ctx, target, s)
}

// mostConversations limits the list of conversations that is sent with each statement.
const mostConversations = 10_000

// stale reports whether tables may hold other events of the conversations than the
// redacted ones of the log.
func (e *Erasure) stale(ctx context.Context, target Target, s *search) (bool, error) {
	if len(s.affected) == 0 {
		return false, nil
	}
	all, err := e.Tables.Projections(ctx)
	if err != nil {
		return false, err
	}
	for _, p := range all {
		if p.Version != s.live && p.State != tables.Dropped {
			return true, nil
		}
	}
	archived, err := e.Tables.EventsOf(ctx, s.live, target.conversations(s))
	if err != nil {
		return false, err
	}
	for _, v := range s.stay {
		delete(archived, v.entry.Sequence)
	}
	return len(archived) > 0, nil
}

// conversationsOf finds the conversations of a visitor: in the tables of every
// version (an interrupted erasure may already have redacted the log) and in
// the log.
func (e *Erasure) conversationsOf(ctx context.Context, target Target, s *search) error {
	all, err := e.Tables.Projections(ctx)
	if err != nil {
		return err
	}
	for _, p := range all {
		if p.State == tables.Dropped {
			continue
		}
		ids, err := e.Tables.ConversationsOf(ctx, p.Version, target.Project, *target.Visitor)
		if err != nil {
			return err
		}
		for _, id := range ids {
			s.affected[id] = true
		}
	}
	return e.scan(ctx, e.Events, "looking for the visitor", func(entry schema.Entry) {
		if event, fault := schema.Decode(entry.Payload, entry.ReceivedAt); fault == nil && event.Project == target.Project && names(&event, *target.Visitor) {
			s.affected[event.Conversation] = true
		}
	})
}

// versions returns all messages of the log that are events of the
// conversations, and records those that are not events but appear to belong to them.
func (e *Erasure) versions(ctx context.Context, target Target, s *search) ([]version, error) {
	var all []version
	var failed error
	r := newRedaction()
	err := e.scan(ctx, e.Events, "looking for events", func(entry schema.Entry) {
		event, fault := schema.Decode(entry.Payload, entry.ReceivedAt)
		switch {
		case fault != nil:
			if s.concerns(target, event, entry.Payload) {
				s.spoiled = append(s.spoiled, entry.Sequence)
			}
		case event.Project == target.Project && s.affected[event.Conversation]:
			_, redacted, err := r.redact(event, entry.ReceivedAt)
			if err != nil {
				failed = fmt.Errorf("event %d: %w", entry.Sequence, err)
				return
			}
			entry.Payload = bytes.Clone(entry.Payload)
			all = append(all, version{entry, event, bytes.Equal(redacted, entry.Payload)})
		}
	})
	if err == nil {
		err = failed
	}
	return all, err
}

// concerns reports whether something that is not an event belongs to what is
// erased: by the project and conversation that could be read, by the id of the
// visitor as a JSON string anywhere in its bytes, and where no conversation
// could be read, by the id of one.
func (s *search) concerns(target Target, event schema.Event, payload []byte) bool {
	if event.Project != 0 && event.Project != target.Project {
		return false
	}
	if s.affected[event.Conversation] {
		return true
	}
	if target.Visitor != nil {
		if quoted, err := json.Marshal(*target.Visitor); err == nil && len(quoted) > 2 && bytes.Contains(payload, quoted) {
			return true
		}
	}
	if event.Conversation != "" {
		return false
	}
	lower := bytes.ToLower(payload)
	for id := range s.affected {
		if bytes.Contains(lower, []byte(id)) {
			return true
		}
	}
	return false
}

// sort decides what happens to each message: of an event, the redacted copy with the lowest
// sequence stays, or the one that has announced an erasure; if there is none, the message that counts
// is copied. Everything that is not redacted is erased.
func (e *Erasure) sort(ctx context.Context, target Target, s *search, all []version) error {
	byKey := map[schema.EventKey][]version{}
	var keys []schema.EventKey
	for _, v := range all {
		key := v.event.Key()
		if byKey[key] == nil {
			keys = append(keys, key)
		}
		byKey[key] = append(byKey[key], v)
	}
	elsewhere, err := e.elsewhere(ctx, target, s, byKey, keys)
	if err != nil {
		return err
	}
	unwritable, err := e.Tables.Unwritable(ctx, s.live)
	if err != nil {
		return err
	}
	var last []schema.Sequence
	for _, key := range keys {
		kept := false
		for _, v := range byKey[key] { // ascending by sequence
			if v.event.Type == schema.TypeCustomer { // all of it is personal data: no copy stays
				if !kept {
					s.whole++
				}
				kept = true
				last = append(last, v.entry.Sequence)
				continue
			}
			if v.redacted {
				switch last := len(s.stay) - 1; {
				case elsewhere[key]:
				case !kept:
					s.stay = append(s.stay, v)
				case v.event.Announces(s.stay[last].entry.Sequence):
					s.stay[last] = v
				}
				kept = true
				continue
			}
			if unwritable[v.entry.Sequence] {
				s.spoiled = append(s.spoiled, v.entry.Sequence)
				continue
			}
			if target.Visitor != nil && names(&v.event, *target.Visitor) {
				last = append(last, v.entry.Sequence)
			} else {
				s.erase = append(s.erase, v.entry.Sequence)
			}
		}
		if kept || elsewhere[key] {
			continue
		}
		for _, v := range byKey[key] {
			if !unwritable[v.entry.Sequence] {
				s.copies = append(s.copies, v)
				break
			}
		}
	}
	s.erase = append(s.erase, last...)
	slices.SortFunc(s.copies, func(a, b version) int { return cmp.Compare(a.entry.Sequence, b.entry.Sequence) })
	return nil
}

// elsewhere returns which keys count in another conversation: the same id was
// given to two events, and the first one is not among those erased.
func (e *Erasure) elsewhere(ctx context.Context, target Target, s *search, byKey map[schema.EventKey][]version, keys []schema.EventKey) (map[schema.EventKey]bool, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	reader, err := sink.Open(ctx, e.Tables.Conn(), sink.Options{Projection: s.live, Logger: e.Logger})
	if err != nil {
		return nil, err
	}
	known, err := reader.Known(ctx, keys)
	if err != nil {
		return nil, err
	}
	archived, err := e.Tables.EventsOf(ctx, s.live, target.conversations(s))
	if err != nil {
		return nil, err
	}
	found := map[schema.EventKey]bool{}
	for _, key := range keys {
		at, counts := known[key]
		found[key] = counts && at < byKey[key][0].entry.Sequence && !archived[at]
	}
	return found, nil
}

// refused finds entries of the conversations that the edge refused. All parts of an entry kept in
// several parts belong to it.
func (e *Erasure) refused(ctx context.Context, target Target, s *search) error {
	type whole struct {
		parts    []schema.Sequence
		end      []byte // of the last part: a match may span two parts
		concerns bool
	}
	wholes := map[string]*whole{}
	err := e.scan(ctx, e.Rejected, "reading rejected events", func(entry schema.Entry) {
		original := entry.Payload
		r, err := schema.DecodeRejected(entry.Payload)
		if err == nil {
			original = r.Original
		}
		if r.Project != 0 && r.Project != target.Project {
			return
		}
		if r.Whole == "" {
			event, _ := schema.Decode(original, entry.ReceivedAt)
			if s.concerns(target, event, original) {
				s.rejected = append(s.rejected, entry.Sequence)
			}
			return
		}
		w := wholes[r.Whole]
		if w == nil {
			w = new(whole)
			wholes[r.Whole] = w
		}
		w.parts = append(w.parts, entry.Sequence)
		w.concerns = w.concerns || s.concerns(target, schema.Event{}, slices.Concat(w.end, original))
		w.end = original[max(0, len(original)-4<<10):]
	})
	for _, w := range wholes {
		if w.concerns {
			s.rejected = append(s.rejected, w.parts...)
		}
	}
	slices.Sort(s.rejected)
	return err
}

// conversations returns the conversations found, for a statement.
func (t Target) conversations(s *search) tables.Conversations {
	return tables.Conversations{Project: t.Project, IDs: slices.Sorted(maps.Keys(s.affected))}
}

// scan reads a log from its beginning to its present end.
func (e *Erasure) scan(ctx context.Context, log Log, what string, each func(entry schema.Entry)) error {
	last, err := log.Last(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return e.read(ctx, log, what, 0, last, each)
}

// read returns the entries after one sequence and up to another.
func (e *Erasure) read(ctx context.Context, log Log, what string, after, last schema.Sequence, each func(entry schema.Entry)) error {
	read := schema.Sequence(0)
	for begin := after; after < last; {
		entries, err := log.Read(ctx, after, 512, 50*time.Millisecond)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if len(entries) == 0 {
			gap, err := log.Gap(ctx, after)
			if err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
			if gap >= last {
				break
			}
		}
		for _, entry := range entries {
			if entry.Sequence > last {
				after = last
				break
			}
			after = entry.End()
			each(entry)
			read++
		}
		share := float64(min(after, last)-begin) / float64(last-begin)
		e.report(what, read, max(read, schema.Sequence(float64(read)/max(share, 1e-9))))
	}
	e.report(what, read, read)
	return nil
}
