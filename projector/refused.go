package projector

import (
	"context"
	"fmt"

	"github.com/parley-analytics/parley/schema"
)

// eventName is what the source calls an event, in whichever project.
type eventName struct{ source, id string }

func nameOf(e *schema.Event) eventName { return eventName{e.Source, e.ID} }

// knowQuarantined reads which events the tables have refused, if they hold rows from beyond the
// position: those may be of a batch that had a duplicate of such an event.
func (l *loop) knowQuarantined(ctx context.Context) error {
	l.quarantined = map[eventName]bool{}
	if l.position >= l.held {
		return nil
	}
	list, err := l.sink.Unwritable(ctx, l.name)
	if err != nil {
		return fmt.Errorf("read which events were refused: %w", err)
	}
	for _, r := range list {
		l.quarantined[eventName{r.Source, r.EventID}] = true
	}
	return nil
}

// countsNow reports that an event may be the duplicate of one that was refused, and was left out when
// rows of its conversation were made that are ahead of the position. It may be the first event of the
// conversation, which has the sort key of the rows: all of them are replaced.
func (l *loop) countsNow(e *schema.Event) bool {
	return l.position < l.held && l.quarantined[nameOf(e)]
}
