package main

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/demo"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/schema"
)

// corpusEnd is when the events of all corpora have happened, about.
var corpusEnd = time.Date(2025, time.June, 2, 0, 0, 0, 0, time.UTC)

const (
	month = 30 * 24 * time.Hour
	// monthly is how many events a month of a corpus has: more of them go
	// further back, and do not crowd.
	monthly = 1_000_000
)

// corpus returns n events of realistic conversations in order of time; the same
// for the same seed and n.
func corpus(seed uint64, n int) iter.Seq[[]byte] {
	conversations := max(n/demo.EventsPerConversation, 1)
	length := time.Duration(float64(month) * float64(n) / monthly)
	stream := demo.History(seed, conversations, length)
	first := stream.Last(corpusEnd) - int64(conversations) + 1
	return func(yield func([]byte) bool) {
		given := 0
		for event := range stream.Between(first, corpusEnd.Add(10*month)) {
			if given == n || !yield(event.JSON) {
				return
			}
			given++
		}
	}
}

// fill appends a corpus to the log of events.
func (r *rig) fill(ctx context.Context, events int) error {
	const atOnce = 4000
	log := r.broker.Events()
	batch := make([]eventlog.Message, 0, atOnce)
	flush := func() error {
		_, err := log.Append(ctx, batch)
		batch = batch[:0]
		return err
	}
	for payload := range corpus(r.bench.seed, events) {
		event, invalid := schema.Decode(payload, corpusEnd.Add(10*month))
		if invalid != nil {
			return fmt.Errorf("an event of the corpus: %w", invalid)
		}
		batch = append(batch, eventlog.Message{ID: eventlog.MessageID(event.Key()), Payload: payload, JSON: true, Time: event.Time.Time()})
		if len(batch) == atOnce {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if len(batch) == 0 {
		return nil
	}
	return flush()
}
