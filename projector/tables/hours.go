package tables

import (
	"context"
	"fmt"
)

// OpeningHours are when the projects are open, as the views read them: a lane for each project on
// one line of moments in milliseconds. See Timeline of query/hours.
type OpeningHours struct {
	Projects                                   []uint32
	Lanes, Begins, Ends, Starts, Lengths, Sums []int64
	Version                                    uint64 // the highest counts
}

// NewOpeningHours makes them from a timeline in seconds.
func NewOpeningHours(projects []uint32, lanes, begins, ends, starts, lengths []int64, version uint64) *OpeningHours {
	h := &OpeningHours{
		Projects: projects, Lanes: milliseconds(lanes), Begins: milliseconds(begins), Ends: milliseconds(ends),
		Starts: milliseconds(starts), Lengths: milliseconds(lengths), Version: version,
	}
	var open int64
	for _, length := range h.Lengths {
		h.Sums = append(h.Sums, open)
		open += length
	}
	return h
}

func milliseconds(seconds []int64) []int64 {
	list := make([]int64, len(seconds))
	for i, s := range seconds {
		list[i] = s * 1000
	}
	return list
}

// SetOpeningHours replaces the opening hours that the views read.
func (t *Tables) SetOpeningHours(ctx context.Context, h *OpeningHours) error {
	batch, err := t.conn.PrepareBatch(ctx, setOpeningHoursSQL)
	if err != nil {
		return fmt.Errorf("opening hours: %w", err)
	}
	if err := batch.Append(h.Projects, h.Lanes, h.Begins, h.Ends, h.Starts, h.Lengths, h.Sums, h.Version); err != nil {
		return fmt.Errorf("opening hours: %w", err)
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("opening hours: %w", err)
	}
	return nil
}
