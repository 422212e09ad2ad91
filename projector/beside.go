package projector

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

const (
	// largeLongs is how many times [Config.LongEvents] a conversation has whose events are not folded
	// in a batch.
	largeLongs = 5
	// pieceEvents is how many events of such a conversation are in memory at once.
	pieceEvents = 50_000
	// messagesAtOnce is how many of its messages are written between two batches.
	messagesAtOnce = 10_000
)

// owing is a large conversation whose rows are behind its events: they are folded beside the batches.
type owing struct {
	Aside
	// late: the fold up to the sequence cannot be continued, because events since then come before others in fold order, or
	// the tables may have messages as they are after some of them.
	late bool

	failed int // so often its events could not be read
}

// replaces reports that rows are to go that no events make.
func (o *owing) replaces() bool { return o.Reason != schema.CodeBehind }

// Behind is a conversation whose rows are behind its events.
type Behind struct {
	schema.ConversationKey
	Sequence schema.Sequence // the first of these events
	Since    time.Time
}

// String names the conversation, and since when.
func (b Behind) String() string {
	return fmt.Sprintf("%d/%s (since %s)", b.Project, b.Conversation, b.Since.UTC().Format(time.RFC3339))
}

// postpone has large conversations folded beside the batches, and returns the others.
func (l *loop) postpone(ctx context.Context, works []*work) ([]*work, error) {
	if len(works) == 0 || l.position == 0 {
		return works, nil
	}
	keys := make([]schema.ConversationKey, len(works))
	for i, w := range works {
		keys[i] = w.key
	}
	large, err := l.archive.Larger(ctx, keys, l.large)
	if err != nil || len(large) == 0 {
		return works, err
	}
	return slices.DeleteFunc(works, func(w *work) bool {
		if w.archived = slices.Contains(large, w.key); w.archived {
			l.owes(w, schema.CodeBehind)
		}
		return w.archived
	}), nil
}

// owes makes the batch say that the rows of a conversation are behind.
func (l *loop) owes(w *work, reason schema.Code) {
	if len(w.withdrawn) > 0 || w.replaces {
		reason = schema.CodeDiffers
	}
	w.owes = &owing{
		Aside: Aside{ConversationKey: w.key, Sequence: w.first(), Since: l.gatherer.clock(), Reason: reason},
		late:  w.late || l.isContested(),
	}
}

// owed is the row of quarantine that says so.
func (l *loop) owed(o *owing) Rejection {
	row := o.rejection(l.gatherer.clock(), "it is large, so its events are folded beside those of others")
	o.Version = row.Version
	return row
}

// owe notes a conversation whose rows are behind, now that the tables say so. What is being made of
// its events is out of date if some were withdrawn.
func (l *loop) owe(o *owing) {
	l.owing[o.ConversationKey] = o
	if other, aside := l.aside[o.ConversationKey]; !aside || other.Sequence == o.Sequence {
		l.aside[o.ConversationKey] = o.Aside
	}
	if l.making != nil && l.making.ConversationKey == o.ConversationKey {
		l.making.cancel()
		l.making = nil
	}
	l.showOwing()
}

// oweAgain notes what the tables say. One that this round of the loop knows nothing of was left by another:
// it may have written some of the rows.
func (l *loop) oweAgain(a Aside) {
	if l.owing[a.ConversationKey] == nil {
		l.owing[a.ConversationKey] = &owing{Aside: a, late: true}
	}
}

// knowOwing reads at the beginning of a round which rows are behind. Those that differ are as well: events that came
// while they were being made are in none.
func (l *loop) knowOwing(ctx context.Context) error {
	l.owing, l.making = map[schema.ConversationKey]*owing{}, nil
	wanted, err := l.knowAside(ctx)
	if err == nil && len(wanted) > 0 {
		_, err = l.oweLarge(ctx, wanted)
	}
	return err
}

// oweLarge has the large ones of some conversations, whose rows are to be made again, folded beside the
// batches, and returns the others.
func (l *loop) oweLarge(ctx context.Context, wanted []Aside) ([]Aside, error) {
	keys := make([]schema.ConversationKey, len(wanted))
	for i, a := range wanted {
		keys[i] = a.ConversationKey
	}
	large, err := l.archive.Larger(ctx, keys, l.large)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(wanted, func(a Aside) bool {
		if l.owing[a.ConversationKey] != nil {
			return true
		}
		if !slices.Contains(large, a.ConversationKey) {
			return false
		}
		l.cache.drop(a.ConversationKey)
		l.owe(&owing{Aside: a, late: true})
		return true
	}), nil
}

// settled notes that the rows of a conversation are not behind any more, or that it is set aside.
func (l *loop) settled(key schema.ConversationKey) {
	delete(l.owing, key)
	delete(l.aside, key)
	l.showOwing()
}

// showOwing lets others know which rows are behind.
func (l *loop) showOwing() {
	var list []Behind
	for key, o := range l.owing {
		list = append(list, Behind{key, o.Sequence, o.Since})
	}
	slices.SortFunc(list, func(a, b Behind) int { return a.Since.Compare(b.Since) })
	l.state.setBehind(list)
}

// complete is the position up to which the rows of all conversations are written.
func (l *loop) complete() schema.Sequence {
	complete := l.position
	for _, o := range l.owing {
		if o.Reason == schema.CodeBehind { // the sequence of a repair may be any earlier one
			complete = min(complete, o.Sequence-1)
		}
	}
	return complete
}

// making is a fold of all events of a conversation beside the batches, and then what is to be written of it.
type making struct {
	owing
	upTo   schema.Sequence // the position when it began
	ctx    context.Context
	cancel context.CancelFunc

	state    *fold.State    // nil if there are no events
	rows     *fold.Rows     // nil if those in the tables are the ones of the state
	messages []fold.Message // of the rows, those still to be written
	begun    bool           // some are
	tries    int            // to write the next ones

	rest schema.Sequence // of the first event that came meanwhile; 0 for none
	err  error           // it cannot be made
}

// note remembers the first event that comes for the conversation meanwhile.
func (l *loop) note(w *work) {
	if m := l.making; m != nil && m.ConversationKey == w.key && m.rest == 0 {
		m.rest = w.first()
	}
}

// makeNext begins the next fold of a conversation whose rows are behind, one at a time. While batches are
// contested there is none: rows may still arrive that are newer than the position.
func (l *loop) makeNext(ctx context.Context) {
	if l.making != nil || len(l.owing) == 0 || l.isContested() {
		return
	}
	var next *owing
	for _, o := range l.owing {
		if next == nil || cmp.Or(cmp.Compare(o.failed, next.failed), cmp.Compare(o.Sequence, next.Sequence)) < 0 {
			next = o
		}
	}
	m := &making{owing: *next, upTo: l.position}
	m.ctx, m.cancel = context.WithCancel(ctx)
	l.making = m
	l.beside.Go(func() {
		m.err = m.fold(l.archive, l.long)
		l.offer(m, 0)
	})
}

// offer hands the making to the loop, after a pause.
func (l *loop) offer(m *making, pause time.Duration) {
	if pause > 0 {
		select {
		case <-m.ctx.Done():
			return
		case <-time.After(pause):
		}
	}
	select {
	case <-m.ctx.Done():
	case l.made <- m:
	}
}

// fold folds the events piece by piece, in fold order: those before the sequence, of which the tables have the rows, or
// if that is not enough, all.
func (m *making) fold(archive Archive, long int) error {
	piece := whole(m.ConversationKey, 0, m.upTo)
	var texts func(string) bool // all, unless the tables have them
	since := schema.Timestamp(0)
	all := m.late || m.replaces()
	switch {
	case !all:
		piece.UpTo = m.Sequence - 1
		texts = func(string) bool { return false }
		since = fold.NoMessages
	case !m.replaces():
		first, named, err := m.owed(archive)
		if err != nil {
			return err
		}
		since = first
		texts = func(id string) bool { return named[id] }
	}
	pieces := fold.NewPieces(m.ConversationKey, long, since, texts)
	some, err := m.each(archive, piece, pieces.Add)
	if err != nil {
		return err
	}
	if !some && !all {
		m.late = true
		return m.fold(archive, long)
	}
	rows := fold.Rows{Conversation: fold.Conversation{ConversationKey: m.ConversationKey}}
	if some {
		m.state, rows = pieces.End()
	}
	if all {
		m.rows, m.messages = &rows, rows.Messages
	}
	return nil
}

// owed returns when the first event since the sequence happened, and the ids of the messages that they name. The tables have
// the messages that do not change from then on, and all other texts.
func (m *making) owed(archive Archive) (first schema.Timestamp, named map[string]bool, err error) {
	first, named = fold.NoMessages, map[string]bool{}
	_, err = m.each(archive, whole(m.ConversationKey, m.Sequence-1, m.upTo), func(records []schema.Record) {
		for i := range records {
			first = min(first, records[i].Event.Time)
			switch data := records[i].Event.Data.(type) {
			case *schema.Message:
				named[data.MessageID] = true
			case *schema.Deleted:
				named[data.MessageID] = true
			}
		}
	})
	return first, named, err
}

// each calls do with the events of a piece, in smaller ones by time, and reports whether there were any.
func (m *making) each(archive Archive, all Piece, do func([]schema.Record)) (some bool, err error) {
	pieces, err := patiently(m.ctx, func() ([]Piece, error) { return archive.Pieces(m.ctx, all, pieceEvents) })
	if err != nil {
		return false, err
	}
	for _, piece := range pieces {
		records, err := patiently(m.ctx, func() ([]schema.Record, error) { return archive.Piece(m.ctx, piece) })
		if err != nil {
			return false, err
		}
		if len(records) > 0 {
			some = true
			do(records)
		}
	}
	return some, nil
}

// patiently reads something. It tries a few times: other statements may use the memory for a moment.
func patiently[T any](ctx context.Context, read func() (T, error)) (T, error) {
	for try := 1; ; try++ {
		got, err := read()
		if err == nil || try == asideTries {
			return got, err
		}
		select {
		case <-ctx.Done():
			return got, ctx.Err()
		case <-time.After(asidePause << try):
		}
	}
}

// write writes what was made of a conversation, some at each call, so that others do not wait for all of it. At
// the end it continues with the events that came meanwhile.
func (l *loop) write(ctx context.Context, m *making) error {
	if m != l.making {
		return nil
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	ctx, done := outlasting(ctx, grace)
	defer done()
	begun := l.gatherer.clock()
	if m.err != nil && !tooLarge(m.err) {
		l.logger.Warn("cannot read the events of a large conversation; its rows stay behind", "conversation", m, "error", m.err)
		l.owing[m.ConversationKey].failed++
		m.cancel()
		l.making = nil
		return nil
	}
	err := m.err
	switch {
	case err != nil:
	case m.rows != nil:
		err = l.writeSome(ctx, m)
	default:
		if err = l.catchUp(ctx, m); err == nil {
			m.cancel()
			l.making = nil
			return nil
		}
	}
	switch {
	case err == nil: // the next ones after as long as these took: a batch is handed over only to a loop that waits
		pause := max(2*linger, l.gatherer.clock().Sub(begun))
		l.beside.Go(func() { l.offer(m, pause) })
	case tooLarge(err) && m.err == nil && m.tries < asideTries-1:
		m.tries++
		l.beside.Go(func() { l.offer(m, asidePause<<m.tries) })
	case tooLarge(err), unwritable(err):
		return l.abandon(ctx, m, err)
	default:
		return fmt.Errorf("make the rows of %s: %w", m, err)
	}
	return nil
}

// writeSome writes the next messages; with the first ones, all other rows.
func (l *loop) writeSome(ctx context.Context, m *making) error {
	batch := l.still()
	some := m.messages[:min(len(m.messages), messagesAtOnce)]
	change := Change{After: *m.rows}
	switch {
	case m.replaces(): // nothing else may be there, so all is written at once
		some = m.messages
		change.Replaces = true
	case m.begun:
		change.Before = new(*m.rows)
		change.Before.Messages = nil
	default:
		batch.Contested = true
	}
	change.After.Messages = some
	batch.Changes = []Change{change}
	if err := l.sink.Write(ctx, batch); err != nil {
		return err
	}
	m.begun, m.tries = true, 0
	if m.messages = m.messages[len(some):]; len(m.messages) == 0 {
		m.rows = nil
	}
	return nil
}

// catchUp continues the fold with the events that came meanwhile, and writes that the rows are not behind any
// more. If it cannot be continued, they stay behind, from these events on.
func (l *loop) catchUp(ctx context.Context, m *making) error {
	since := m.upTo
	if !m.begun {
		since = m.Sequence - 1
	}
	piece := whole(m.ConversationKey, since, l.position)
	piece.Most = l.large + 1
	fresh, err := l.archive.Piece(ctx, piece)
	if err != nil {
		return err
	}
	batch := l.still()
	for _, entry := range l.entries(l.owing[m.ConversationKey].Aside) {
		batch.Quarantine = append(batch.Quarantine, entry.over(l.gatherer.clock()))
	}
	w := &work{key: m.ConversationKey}
	if m.state != nil {
		w.before = &history{state: m.state}
	}
	for i := range fresh {
		w.fresh = append(w.fresh, ArchivedEvent{Record: fresh[i]})
	}
	switch {
	case len(fresh) == 0:
	case w.before == nil, len(fresh) > l.large:
		return l.oweRest(ctx, m, batch)
	default:
		if err := l.proceed(ctx, []*work{w}); err != nil {
			return err
		}
		if w.folded == nil {
			return l.oweRest(ctx, m, batch)
		}
		batch.Changes = append(batch.Changes, w.folded.change)
		w.before = w.folded.after
	}
	if err := l.sink.Write(ctx, batch); err != nil {
		return err
	}
	l.settled(w.key)
	if w.before != nil {
		l.cache.put(w.key, w.before)
	}
	l.logger.Info("the rows of a large conversation are up to date", "conversation", m, "since", m.Since)
	return nil
}

// oweRest writes that the rows of a conversation are behind from the events on that came meanwhile.
func (l *loop) oweRest(ctx context.Context, m *making, batch *Batch) error {
	if !m.begun { // from the same events on
		l.owing[m.ConversationKey].late = true
		return nil
	}
	rest := &owing{Aside: m.Aside, late: true}
	rest.Sequence = m.rest
	rest.Reason = schema.CodeBehind
	batch.Quarantine = append(batch.Quarantine, l.owed(rest))
	if err := l.sink.Write(ctx, batch); err != nil {
		return err
	}
	l.settled(rest.ConversationKey)
	m.cancel()
	l.making = nil
	l.owe(rest)
	return nil
}

// abandon ends the making of rows that cannot be written: the conversation is set aside.
func (l *loop) abandon(ctx context.Context, m *making, why error) error {
	m.cancel()
	l.making = nil
	if err := l.giveUp(ctx, l.owing[m.ConversationKey].Aside, why); err != nil {
		return err
	}
	l.settled(m.ConversationKey)
	_, err := l.knowAside(ctx)
	return err
}
