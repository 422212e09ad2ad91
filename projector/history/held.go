package history

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

// Held is what the tables of a version hold of a log: of that of events the archive and the quarantined entries, of that of rejected events
// the quarantined ones. It is for one goroutine.
type Held struct {
	tables  *tables.Tables
	version uint32
	log     string
	present map[digest]int    // see Has
	wholes  map[string]string // of payloads in several parts, by what their parts have in common
}

// HeldOf returns what a version holds of a log, [projector.LogEvents] or [projector.LogRejected].
func HeldOf(t *tables.Tables, version uint32, log string) *Held {
	return &Held{tables: t, version: version, log: log, present: map[digest]int{}, wholes: map[string]string{}}
}

func (h *Held) rejected() bool { return h.log == projector.LogRejected }

// Last returns the highest sequence up to one, 0 for none.
func (h *Held) Last(ctx context.Context, until schema.Sequence) (schema.Sequence, error) {
	if h.rejected() {
		return h.tables.LastRejectedUntil(ctx, h.version, until)
	}
	return h.tables.LastEventUntil(ctx, h.version, until)
}

// Between calls do with the entries of a range, both ends included, in order, and counts them; do may be nil.
func (h *Held) Between(ctx context.Context, from, to schema.Sequence, do func(schema.Sequence, []byte) error) (uint64, error) {
	if !h.rejected() {
		return h.tables.EventsBetween(ctx, h.version, from, to, do)
	}
	if do == nil {
		return h.tables.RejectedBetween(ctx, h.version, from, to, nil)
	}
	return h.tables.RejectedBetween(ctx, h.version, from, to, func(q tables.Quarantined) error { return do(q.Sequence, h.payload(&q)) })
}

// payload is the message of the log of rejected events that an entry of quarantine was made from, as far as the tables know it: the
// project is read from the original again.
func (h *Held) payload(q *tables.Quarantined) []byte {
	if q.Detail == projector.NotRejected {
		return q.Original
	}
	event, _ := schema.Decode(q.Original, q.ReceivedAt)
	r := schema.Rejected{Reason: q.Reason, Detail: q.Detail, Project: event.Project, ReceivedAt: q.ReceivedAt, Original: q.Original}
	if q.Source != nil {
		r.Source = *q.Source
	}
	if q.EventID != nil {
		r.EventID = *q.EventID
	}
	if rule, part, found := strings.Cut(r.Detail, " (part "); found {
		of := fmt.Sprint(r.Source, "\n", rule, part[strings.LastIndex(part, " ")+1:])
		if h.wholes[of] == "" || strings.HasPrefix(part, "1 of ") {
			h.wholes[of] = fmt.Sprintf("restored %d", q.Sequence)
		}
		r.Whole, r.Project = h.wholes[of], 0
	}
	return schema.EncodeRejected(r)
}

// digest identifies an entry by what the tables hold of it.
type digest [sha256.Size]byte

func (h *Held) digest(payload []byte) digest {
	r, err := schema.DecodeRejected(payload)
	if !h.rejected() || err != nil {
		return sha256.Sum256(payload)
	}
	text, err := json.Marshal([]any{r.Reason, r.Detail, r.Source, r.EventID, r.Original})
	if err != nil {
		panic(err) // strings and bytes always encode
	}
	return sha256.Sum256(text)
}

// Has notes an entry that the log of rejected events has, under any sequence: it is not appended once more by [Restore]. Events are known by
// their key.
func (h *Held) Has(payload []byte) {
	if h.rejected() {
		h.present[h.digest(payload)]++
	}
}

// lacks reports whether an entry has to be appended.
func (h *Held) lacks(payload []byte) bool {
	if len(h.present) == 0 {
		return true
	}
	d := h.digest(payload)
	if h.present[d] == 0 {
		return true
	}
	h.present[d]--
	return false
}

// restored removes entries that the log has under other sequences now. Those of events stay until the tables are rebuilt, like their rows.
func (h *Held) restored(ctx context.Context, sequences []schema.Sequence) error {
	if !h.rejected() {
		return nil
	}
	return h.tables.RemoveQuarantined(ctx, h.log, sequences)
}
