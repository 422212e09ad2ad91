package query

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-analytics/parley/schema"
)

// An answer spans tables, and a batch of the projector writes them one after the other. Every row
// carries the last sequence folded into it, and the position of the log is stored after all rows up
// to it. So the details of a conversation are complete once the position has reached the
// conversation's own sequence, and belong to the same state if none of them is newer. Rows for
// which that is not yet true are read again.

const (
	// settling is how long a request waits for batches of which it has seen a part. A batch takes a
	// tenth of a second.
	settling = time.Second
	// settlingStep is the interval between reads of the position.
	settlingStep = 20 * time.Millisecond
	// rereads is the maximum number of times that a request reads rows again, in all its fields and
	// levels: rows that change continuously must not delay it.
	rereads = 5
)

// motion tracks what a request has done to read one state.
type motion struct {
	mu      sync.Mutex
	settled schema.Sequence // all rows up to it are in the tables
	until   time.Time       // when waiting ends; zero before the first wait
	reread  atomic.Int32
}

// mayReread reports whether rows may be read again.
func (m *motion) mayReread() bool { return m.reread.Add(1) <= rereads }

// settle waits until all rows up to a sequence are in the tables, and reports
// whether they are. If a projector has stopped in the middle of a batch, they are not.
func (r *request) settle(ctx context.Context, a *API, upTo uint64) (bool, error) {
	sequence := schema.Sequence(upTo)
	if sequence <= r.live.Written {
		return true, nil
	}
	m := &r.motion
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.until.IsZero() {
		m.until = time.Now().Add(settling)
	}
	ctx, cancel := context.WithDeadline(again(ctx), m.until)
	defer cancel()
	tick := time.NewTicker(settlingStep)
	defer tick.Stop()
	for sequence > m.settled {
		position, err := a.store.Written(ctx, r.live.Projection)
		if ctx.Err() != nil {
			return false, nil // the caller sees the request's own deadline
		}
		if err != nil {
			return false, err
		}
		if m.settled = position; sequence <= position {
			break
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false, nil
		}
	}
	return true, nil
}

// again returns a context in which statements are sent even if the request has sent the same ones before.
func again(ctx context.Context) context.Context { return context.WithValue(ctx, requestKey{}, nil) }

// latest is the last sequence folded into the rows.
func latest[R any](rows []R, of func(*R) uint64) uint64 {
	last := uint64(0)
	for i := range rows {
		last = max(last, of(&rows[i]))
	}
	return last
}

func conversationVersion(r *ConversationRow) uint64 { return r.LastSequence }
func contactVersion(r *ContactRow) uint64           { return r.Version }

// spans reports whether other tables than their own are read for the conversations.
func (b *conversationBatch) spans() bool {
	return b.fields.below("visitor").any("externalId", "firstName", "lastName", "email", "phone") ||
		b.fields.has("conversions.transactions") || b.fields.has("contacts") || b.fields.has("customer") || b.fields.below("messages").any("edges", "pageInfo")
}

// refresh reads the conversations again and puts them in the places of those they
// are.
func (b *conversationBatch) refresh(ctx context.Context, rows []ConversationRow) error {
	ids, place := make([]string, len(rows)), make(map[schema.ConversationKey]int, len(rows))
	for i := range rows {
		ids[i], place[key(rows[i].Project, rows[i].ID)] = rows[i].ID, i
	}
	found, err := b.api.store.Conversations(again(ctx), b.scope(), ids, b.columns())
	for _, r := range found {
		if i, ok := place[key(r.Project, r.ID)]; ok {
			rows[i] = r
		}
	}
	return err
}

// newer records that a detail of a conversation is newer than it.
func (b *conversationBatch) newer(of *Conversation, version uint64) {
	if version > of.row.LastSequence {
		b.outdated.Store(true)
	}
}

// refresh reads the contacts of the conversations again, and puts
// them in the places of those they are.
func (b *contactBatch) refresh(ctx context.Context, rows []ContactRow, ids []string) error {
	type name struct {
		project uint32
		id      string
	}
	within := Interval{lastMoment, firstMoment}
	place := make(map[name]int, len(rows))
	for i := range rows {
		place[name{rows[i].Project, rows[i].ID}] = i
		within.From = min(within.From, schema.Timestamp(rows[i].StartedAt))
		within.To = max(within.To, schema.Timestamp(rows[i].StartedAt)+1)
	}
	found, err := b.api.store.ContactsOf(again(ctx), b.request.scope(nil), within, ids, b.columns())
	for _, r := range found {
		if i, ok := place[name{r.Project, r.ID}]; ok {
			rows[i] = r
		}
	}
	return err
}
