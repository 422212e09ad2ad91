package stream

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/parley-analytics/parley/schema"
)

// Position is a place in a stream: behind a change.
type Position struct {
	Sequence schema.Sequence
	Part     int // among the rows of one sequence; 0 where there is one row
}

// whole is the position behind all rows of a sequence.
func whole(sequence schema.Sequence) Position { return Position{sequence, int(^uint32(0) >> 1)} }

// Compare orders positions.
func (p Position) Compare(q Position) int {
	return cmp.Or(cmp.Compare(p.Sequence, q.Sequence), cmp.Compare(p.Part, q.Part))
}

// String is the id of an event.
func (p Position) String() string {
	if p.Part == 0 {
		return strconv.FormatUint(uint64(p.Sequence), 10)
	}
	return fmt.Sprintf("%d.%d", p.Sequence, p.Part)
}

// parsePosition reads an id. "7" of a table with several rows of one sequence is behind all of them.
func parsePosition(id string) (Position, bool) {
	digits, part, parted := strings.Cut(id, ".")
	sequence, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return Position{}, false
	}
	if !parted {
		return whole(schema.Sequence(sequence)), true
	}
	n, err := strconv.ParseUint(part, 10, 31)
	return Position{schema.Sequence(sequence), int(n)}, err == nil && n > 0
}
