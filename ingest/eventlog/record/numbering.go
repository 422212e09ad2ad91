package record

import "github.com/parley-analytics/parley/schema"

// Number is the sequence of a record in its stream. The first one is 1.
type Number uint64

// Numbering is how the records of a stream give their events sequences. A stream that an earlier
// version began holds messages of one event up to a record: their sequences are the numbers
// themselves. Sequences ascend over that record too, because a number is smaller than the first
// sequence of a later record.
type Numbering struct {
	Singles Number // the last record that was written without the factor; 0 in a new stream
}

// Sequence returns the sequence of an event of a record.
func (n Numbering) Sequence(record Number, index int) schema.Sequence {
	if record <= n.Singles {
		return schema.Sequence(record)
	}
	return schema.Sequence(record)*MaxEvents + schema.Sequence(index)
}

// Last returns the highest sequence that an event of a record can have.
func (n Numbering) Last(record Number) schema.Sequence { return n.Sequence(record, MaxEvents-1) }

// Record returns the record that holds, or held, a sequence, and the index in it. For a sequence
// that no event can have, it is the record before which it stands, with index 0.
func (n Numbering) Record(sequence schema.Sequence) (record Number, index int) {
	if sequence <= schema.Sequence(n.Singles) {
		return Number(sequence), 0
	}
	if record = Number(sequence / MaxEvents); record <= n.Singles {
		return n.Singles + 1, 0
	}
	return record, int(sequence % MaxEvents)
}

// After returns the first record that can hold an event after a sequence.
func (n Numbering) After(sequence schema.Sequence) Number {
	record, index := n.Record(sequence)
	switch {
	case record <= n.Singles, index == MaxEvents-1:
		return record + 1
	default:
		return record
	}
}
