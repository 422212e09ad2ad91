package eventlog

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/parley-analytics/parley/ingest/eventlog/record"
	"github.com/parley-analytics/parley/schema"
)

// Message is an event, or what was refused, to append. The stream recognises duplicates by ID, see
// [MessageID]; a message without ID is never a duplicate.
type Message struct {
	ID      string
	Payload []byte
	// JSON means that the payload is known to be one JSON value. Any other payload has a record of
	// its own.
	JSON bool
	// Time is when the event happened; zero if unknown.
	Time time.Time
}

// Receipt is the position of a message in the log. Duplicate means that it was there before, under
// Sequence, and was not stored again.
type Receipt struct {
	Sequence  schema.Sequence
	Duplicate bool
}

// MessageID is the message id of an event: the hash of its key in 22 characters.
func MessageID(key schema.EventKey) string {
	hash := key.Hash()
	return base64.RawURLEncoding.EncodeToString(hash[:])
}

// RefusedID is the message id of a refused payload: the hash of its bytes; of part of a larger one,
// that of the whole and of the detail, which names the part. Platforms repeat what they send, and
// repeats are stored once.
func RefusedID(r *schema.Rejected) string {
	key := schema.EventKey{Project: r.Project, Source: "refused " + r.Source, ID: r.Whole + " " + r.Detail}
	if r.Whole == "" {
		sum := sha256.Sum256(r.Original)
		key.ID = string(sum[:])
	}
	return MessageID(key)
}

// eventID returns the message id of an event in the log, empty if it is not valid.
func eventID(e schema.Entry) string {
	event, err := schema.Decode(e.Payload, e.ReceivedAt)
	if err != nil {
		return ""
	}
	return MessageID(event.Key())
}

// rejectedID returns the message id of an entry of the rejected log, empty if it is not valid.
func rejectedID(e schema.Entry) string {
	r, err := schema.DecodeRejected(e.Payload)
	if err != nil {
		return ""
	}
	return RefusedID(&r)
}

// recordID is the id of a record, with which the server recognises it if it is sent again.
func recordID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// piece is a record to be appended.
type piece struct {
	id       string
	header   nats.Header
	data     []byte
	messages []int // the indexes of the messages in it
}

// pack distributes messages over records, in their order. A record of one holds the payload as it
// is.
func (s *Stream) pack(messages []Message, indexes []int) ([]piece, error) {
	var pieces []piece
	var open []int // of the record being filled
	size := 0
	finish := func() error {
		if len(open) == 0 {
			return nil
		}
		p, err := s.piece(messages, open)
		pieces = append(pieces, p)
		open, size = nil, 0
		return err
	}
	for _, i := range indexes {
		m := &messages[i]
		joins := m.JSON && record.Fits(len(open), size, len(m.Payload))
		if !joins {
			if err := finish(); err != nil {
				return nil, err
			}
		}
		open, size = append(open, i), size+record.Space(len(m.Payload))
		if !m.JSON || size > record.MaxBytes {
			if err := finish(); err != nil {
				return nil, err
			}
		}
	}
	return pieces, finish()
}

func (s *Stream) piece(messages []Message, of []int) (piece, error) {
	p := piece{id: recordID(), messages: of}
	if len(of) == 1 {
		p.data = messages[of[0]].Payload
		p.header = nats.Header{record.HeaderSum: {record.Sum(p.data)}}
		return p, nil
	}
	batch := record.Batch{ContentType: s.contentType, Events: make([][]byte, len(of))}
	for n, i := range of {
		m := &messages[i]
		batch.Events[n] = m.Payload
		if m.Time.IsZero() {
			continue
		}
		if batch.First.IsZero() || m.Time.Before(batch.First) {
			batch.First = m.Time
		}
		if m.Time.After(batch.Last) {
			batch.Last = m.Time
		}
	}
	var err error
	p.header, p.data, err = s.broker.codec.Encode(batch)
	return p, err
}
