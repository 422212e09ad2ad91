package outgoing

import (
	"slices"

	"github.com/parley-analytics/parley/schema"
)

// occurrence is something to report, at an event of the log.
type occurrence struct {
	kind     Kind
	sequence schema.Sequence
}

// personal reports whether a person wrote the message.
func personal(m *schema.Message) bool { return !m.Automatic && m.AuthorKind != schema.KindBot }

// occurrences are those of a conversation at events after one sequence up to
// another. The records are in log order.
func occurrences(records []schema.Record, after, to schema.Sequence) []occurrence {
	var all []occurrence
	late := -1 // index of a transcript for messages that came after the close
	add := func(kind Kind, at schema.Sequence) {
		if at > after && at <= to {
			all = append(all, occurrence{kind, at})
		}
	}
	seen := make(map[string]bool)
	unsent := 0 // messages that were in no transcript
	started, closed := false, schema.Timestamp(-1)
	for i := range records {
		r := &records[i]
		switch data := r.Event.Data.(type) {
		case *schema.Message:
			if seen[data.MessageID] {
				continue
			}
			seen[data.MessageID] = true
			unsent++
			if personal(data) {
				if !started {
					add(ChatStarted, r.Sequence)
				}
				started = true
				add(ChatFragment, r.Sequence)
			}
			if r.Event.Time <= closed && r.Sequence > after && r.Sequence <= to {
				unsent = 0
				if late >= 0 { // one transcript for all that arrived together
					all = slices.Delete(all, late, late+1)
				}
				late = len(all)
				add(ChatTranscript, r.Sequence)
			}
		case *schema.Closed:
			if unsent > 0 {
				add(ChatTranscript, r.Sequence)
			}
			unsent, closed = 0, max(closed, r.Event.Time)
		}
	}
	return all
}

// fragment names the messages since the fragment before the one at a sequence.
func fragment(records []schema.Record, at schema.Sequence) map[string]bool {
	part, seen := make(map[string]bool), make(map[string]bool)
	for i := range records {
		data, is := records[i].Event.Data.(*schema.Message)
		if !is || seen[data.MessageID] {
			continue
		}
		seen[data.MessageID] = true
		part[data.MessageID] = true
		if records[i].Sequence >= at {
			break
		}
		if personal(data) {
			clear(part)
		}
	}
	return part
}
