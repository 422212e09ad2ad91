package projector

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

// LogConversations is the log that rows of quarantine name which stand for a whole
// conversation: their sequence is the one of its first event that is in no rows.
const LogConversations = "conversations"

// Aside is a row of quarantine that stands for a conversation: its events are archived, and its rows stay as
// they were before the sequence.
type Aside struct {
	schema.ConversationKey
	Sequence schema.Sequence
	Version  uint64    // of the row
	Since    time.Time // when it was written
	// Reason is SET_ASIDE: the server lacks the memory to write its rows, or to read its events back, or rejects
	// rows of so many events. RELEASED: it was set aside, and its rows are to be made again. DIFFERS:
	// likewise, because they differ from its events; it is not set aside, events change its rows. BEHIND: they are being made.
	Reason schema.Code
}

// String names the conversation.
func (a Aside) String() string { return fmt.Sprintf("%d/%s", a.Project, a.Conversation) }

// asideKey is the conversation as the original of its row of quarantine names it.
type asideKey struct {
	Project      schema.ProjectID      `json:"projectid"`
	Conversation schema.ConversationID `json:"subject"`
}

// ParseAside reads the original of a row of quarantine that stands for a
// conversation.
func ParseAside(original []byte) (schema.ConversationKey, error) {
	var key asideKey
	err := json.Unmarshal(original, &key)
	return schema.ConversationKey(key), err
}

// rejection is the row of quarantine of a conversation.
func (a Aside) rejection(now time.Time, detail string) Rejection {
	original, _ := json.Marshal(asideKey(a.ConversationKey)) // a number and a text
	return Rejection{
		Log: LogConversations, Sequence: a.Sequence, ReceivedAt: schema.TimestampOf(now), Reason: a.Reason,
		Detail: "conversation " + a.String() + ": " + detail, Original: original, Version: max(uint64(now.UnixNano()), a.Version+1),
	}
}

// over is the row of quarantine that ends another one.
func (a Aside) over(now time.Time) Rejection {
	r := a.rejection(now, "its rows are made again")
	r.Gone = true
	return r
}

// TooLargeError reports that the server lacks the memory for what is written or read:
// a part of it may pass.
type TooLargeError struct{ Err error }

// Error reads as the cause.
func (e *TooLargeError) Error() string { return "too large: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *TooLargeError) Unwrap() error { return e.Err }

func tooLarge(err error) bool {
	_, is := errors.AsType[*TooLargeError](err)
	return is
}

func unwritable(err error) bool {
	_, is := errors.AsType[*UnwritableError](err)
	return is
}

// errSetAside ends a round in which conversations were set aside.
var errSetAside = errors.New("conversations are set aside")

const (
	// mostAside is how many conversations of ordinary size may be set aside, one after
	// the other with none between that passes, before the tables are to blame.
	mostAside = 10
	// ordinary is the largest size, in bytes of memory, of such a conversation.
	ordinary = 256 << 10
	// asideTries is how often a conversation is tried alone, in growing distances:
	// other statements may use the memory for a moment.
	asideTries = 5
	asidePause = 200 * time.Millisecond
	// asideLook is how often it is read which conversations are released.
	asideLook = 2 * time.Second
)

// narrow does something with ever smaller parts of some conversations while that
// is too large, and sets aside those with which it is so alone. It reports with
// [errSetAside] that there are any.
func (l *loop) narrow(ctx context.Context, works []*work, do func([]*work) error) error {
	var aside []*work
	var why error
	var part func([]*work) error
	part = func(works []*work) error {
		err := do(works)
		if tooLarge(err) {
			l.state.fail(err) // the search takes a while
		}
		for try := 1; tooLarge(err) && len(works) == 1 && try < asideTries; try++ {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(asidePause << try):
			}
			err = do(works)
		}
		switch {
		case err == nil:
			l.refusals = 0
			return nil
		case !tooLarge(err):
			return err
		case len(works) == 1:
			if works[0].bytes() <= ordinary {
				l.refusals++
			}
			if l.refusals > mostAside {
				return fmt.Errorf("ClickHouse does not have enough memory for any of %d consecutive conversations, so no more are set aside: give it more memory: %w", mostAside, err)
			}
			aside, why = append(aside, works[0]), err
			return nil
		}
		half := len(works) / 2
		if err := part(works[:half]); err != nil {
			return err
		}
		return part(works[half:])
	}
	if err := part(works); err != nil || len(aside) == 0 {
		return err
	}
	batch := l.still()
	for _, w := range aside {
		a := Aside{ConversationKey: w.key, Sequence: w.first(), Reason: schema.CodeSetAside}
		batch.Quarantine = append(batch.Quarantine, a.rejection(l.gatherer.clock(), why.Error()))
		l.logger.Error("ClickHouse does not have enough memory for the rows of a conversation; the conversation is set aside", "conversation", a, "sequence", a.Sequence, "error", why)
	}
	if err := l.sink.Write(ctx, batch); err != nil {
		return fmt.Errorf("set %d conversations aside: %w", len(aside), err)
	}
	return fmt.Errorf("%w: %d: %w", errSetAside, len(aside), why)
}

// knowAside reads which conversations are set aside or behind, and returns all whose rows are to be made again as
// a whole.
func (l *loop) knowAside(ctx context.Context) ([]Aside, error) {
	if l.name != LogEvents {
		return nil, nil
	}
	list, err := l.sink.Aside(ctx)
	if err != nil {
		return nil, fmt.Errorf("read which conversations are set aside: %w", err)
	}
	l.aside = map[schema.ConversationKey]Aside{}
	var aside, wanted []Aside
	for _, a := range list {
		switch a.Reason {
		case schema.CodeBehind:
			l.oweAgain(a)
		case schema.CodeDiffers, schema.CodeReleased:
			wanted = append(wanted, a)
		}
		if a.Reason != schema.CodeDiffers {
			l.aside[a.ConversationKey] = a
		}
		if a.Reason == schema.CodeSetAside || a.Reason == schema.CodeReleased {
			aside = append(aside, a)
		}
	}
	for key, o := range l.owing {
		if _, known := l.aside[key]; !known {
			l.aside[key] = o.Aside
		}
	}
	l.showOwing()
	l.state.setAside(aside)
	l.metrics.aside.Set(float64(len(aside)))
	return wanted, nil
}

// againAtOnce is how many conversations are made again between two batches.
const againAtOnce = 100

// takeBack makes the rows of conversations again that are released, or differ from their events: some
// at each look, so that other events do not wait for all of them.
func (l *loop) takeBack(ctx context.Context) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	wanted, err := l.knowAside(ctx)
	if err != nil {
		return err
	}
	if wanted = l.due(wanted); len(wanted) == 0 {
		return nil
	}
	l.archive.Doubt() // a repair may have changed it
	if wanted, err = l.oweLarge(ctx, wanted); err != nil || len(wanted) == 0 {
		return err
	}
	if err := l.again(ctx, wanted[:min(againAtOnce, len(wanted))]); err != nil {
		return err
	}
	_, err = l.knowAside(ctx)
	return err
}

// delay is when the rows of a conversation that the tables have rejected are made again.
type delay struct {
	version uint64 // of its row of quarantine: another one is another request
	pause   time.Duration
	next    time.Time
	why     error
}

// Rejected is a conversation whose rows are to be made again, and are rejected by the tables: its rows
// stay as they were.
type Rejected struct {
	schema.ConversationKey
	Why error
}

// String names the conversation and the reason.
func (r Rejected) String() string {
	return fmt.Sprintf("%d/%s (%v)", r.Project, r.Conversation, r.Why)
}

// longestDelay is the longest time between two attempts to write rows that the tables reject.
const longestDelay = 10 * time.Minute

// due leaves out the conversations whose rows the tables have rejected a moment ago, and forgets
// those that are not wanted any more.
func (l *loop) due(wanted []Aside) []Aside {
	delays := map[schema.ConversationKey]delay{}
	var due []Aside
	for _, a := range wanted {
		d := l.delays[a.ConversationKey]
		if d.version == a.Version {
			delays[a.ConversationKey] = d
			if l.gatherer.clock().Before(d.next) {
				continue
			}
		}
		due = append(due, a)
	}
	l.delays = delays
	l.showRejected()
	return due
}

// delay makes the rows of a conversation again later, twice as late each time.
func (l *loop) delay(a Aside, why error) {
	pause := max(2*asideLook, min(2*l.delays[a.ConversationKey].pause, longestDelay))
	l.delays[a.ConversationKey] = delay{version: a.Version, pause: pause, next: l.gatherer.clock().Add(pause), why: why}
	l.showRejected()
	l.logger.Error("ClickHouse rejects the rows of a conversation that are made again", "conversation", a, "next", pause, "error", why)
}

// showRejected lets others know which rows are rejected, and why.
func (l *loop) showRejected() {
	list := make([]Rejected, 0, len(l.delays))
	for key, d := range l.delays {
		list = append(list, Rejected{key, d.why})
	}
	slices.SortFunc(list, func(a, b Rejected) int {
		return cmp.Or(cmp.Compare(a.Project, b.Project), cmp.Compare(a.Conversation, b.Conversation))
	})
	l.state.setRejected(list)
}

// again makes the rows of conversations again, in halves if that is too large or rejected.
func (l *loop) again(ctx context.Context, wanted []Aside) error {
	err := l.refold(ctx, wanted)
	switch {
	case err == nil:
		l.logger.Info("rows of conversations were made again", "conversations", len(wanted), "first", wanted[0])
		return nil
	case !tooLarge(err) && !unwritable(err):
		return fmt.Errorf("make the rows of %d conversations again: %w", len(wanted), err)
	case len(wanted) > 1:
		half := len(wanted) / 2
		if err := l.again(ctx, wanted[:half]); err != nil {
			return err
		}
		return l.again(ctx, wanted[half:])
	case unwritable(err):
		l.delay(wanted[0], err)
		return nil
	}
	return l.giveUp(ctx, wanted[0], err)
}

// giveUp sets a conversation aside whose rows cannot be made again.
func (l *loop) giveUp(ctx context.Context, a Aside, why error) error {
	l.logger.Error("ClickHouse cannot store the rows of a conversation; the conversation is set aside", "conversation", a, "error", why)
	batch := l.still()
	for i, entry := range l.entries(a) { // the first one stays
		row := entry.over(l.gatherer.clock())
		if i == 0 {
			entry.Reason = schema.CodeSetAside
			row = entry.rejection(l.gatherer.clock(), why.Error())
		}
		batch.Quarantine = append(batch.Quarantine, row)
	}
	if err := l.sink.Write(ctx, batch); err != nil {
		return fmt.Errorf("set a conversation aside again: %w", err)
	}
	return nil
}

// entries are those of a conversation: one that differs may be set aside too.
func (l *loop) entries(a Aside) []Aside {
	if other, aside := l.aside[a.ConversationKey]; aside && other.Sequence != a.Sequence {
		return []Aside{other, a}
	}
	return []Aside{a}
}

// refold writes all rows of conversations in place of those that there are, and that they are not set
// aside any more. Their next events find them in the archive, not in the cache.
func (l *loop) refold(ctx context.Context, wanted []Aside) error {
	keys := make([]schema.ConversationKey, len(wanted))
	for i, a := range wanted {
		keys[i] = a.ConversationKey
		l.cache.drop(a.ConversationKey)
	}
	archived, err := l.archive.Recall(ctx, keys)
	if err != nil {
		return err
	}
	batch := l.still()
	for _, a := range wanted {
		var all []schema.Record
		for _, e := range archived[a.ConversationKey] {
			if e.Sequence <= l.position {
				all = append(all, e.Record)
			}
		}
		rows := fold.Of(all)
		rows.Conversation.ConversationKey = a.ConversationKey
		batch.Changes = append(batch.Changes, Change{After: rows, Replaces: true})
		for _, entry := range l.entries(a) {
			batch.Quarantine = append(batch.Quarantine, entry.over(l.gatherer.clock()))
		}
	}
	return l.sink.Write(ctx, batch)
}
