package engines

import (
	"context"
	"encoding/json"

	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/projector/history"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

// LogsOf are the logs of a broker with the tables that archive them.
func LogsOf(broker *eventlog.Broker, t *tables.Tables) *history.Logs {
	return &history.Logs{
		Tables:   t,
		Events:   func() history.Stream { return broker.Events().NewReader() },
		Rejected: func() history.Stream { return broker.Rejected().NewReader() },
	}
}

// Rewritable is a stream as an erasure and the restoration of lost events change it.
type Rewritable struct {
	*history.Whole // from its beginning; nil if it is not read
	Stream         *eventlog.Stream
}

// Erase overwrites events: see [eventlog.Stream.Erase].
func (r Rewritable) Erase(ctx context.Context, sequences ...schema.Sequence) error {
	return r.Stream.Erase(ctx, sequences...)
}

// RecordOf returns the sequences that the record of one may hold.
func (r Rewritable) RecordOf(sequence schema.Sequence) (from, to schema.Sequence) {
	of := r.Stream.RecordOf(sequence)
	return of.From, of.To
}

// GiveUp notes that a lost record will not come again.
func (r Rewritable) GiveUp(ctx context.Context, from, to schema.Sequence) error {
	return r.Stream.GiveUp(ctx, eventlog.Range{From: from, To: to})
}

// Append puts messages at the end. They have no id: the server may still know that
// of a message that they replace, and would take them for repeats of it.
func (r Rewritable) Append(ctx context.Context, payloads [][]byte) ([]schema.Sequence, error) {
	messages := make([]eventlog.Message, len(payloads))
	for i, payload := range payloads {
		messages[i] = eventlog.Message{Payload: payload, JSON: json.Valid(payload)}
	}
	receipts, err := r.Stream.Append(ctx, messages)
	sequences := make([]schema.Sequence, len(receipts))
	for i, receipt := range receipts {
		sequences[i] = receipt.Sequence
	}
	return sequences, err
}
