package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// Rewritten is what is left of a record after events were erased from it. The remaining events keep
// their indexes, and so their sequences.
type Rewritten struct {
	ReceivedAt time.Time // when the log took the record
	Indexes    []int     // of the remaining events, ascending
	Events     [][]byte
}

// rewrittenHead is the first line of the stored form.
type rewrittenHead struct {
	ReceivedAt time.Time `json:"receivedAt"`
	Indexes    []int     `json:"indexes"`
}

// EncodeRewritten returns the stored form: a line of JSON, then the payload of a record.
func (c *Codec) EncodeRewritten(r *Rewritten) ([]byte, error) {
	stored, err := json.Marshal(rewrittenHead{r.ReceivedAt, r.Indexes})
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	plain, err := lines(r.Events)
	if err != nil {
		return nil, err
	}
	return c.packer.EncodeAll(plain, append(stored, '\n')), nil
}

// DecodeRewritten reads the stored form. The error is [ErrMalformed].
func (c *Codec) DecodeRewritten(stored []byte) (*Rewritten, error) {
	line, payload, _ := bytes.Cut(stored, []byte("\n"))
	var head rewrittenHead
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, fmt.Errorf("%w: rewritten record: %w", ErrMalformed, err)
	}
	before := -1
	for _, index := range head.Indexes {
		if index <= before || index >= MaxEvents {
			return nil, fmt.Errorf("%w: rewritten record: indexes must ascend from 0 to %d", ErrMalformed, MaxEvents-1)
		}
		before = index
	}
	r := &Rewritten{ReceivedAt: head.ReceivedAt, Indexes: head.Indexes}
	plain, err := c.unpack(payload)
	if err != nil {
		return nil, err
	}
	r.Events, err = split(plain, len(head.Indexes))
	return r, err
}
