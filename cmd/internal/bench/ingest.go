package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
)

const (
	batchEvents  = 1000
	batchSenders = 4
	singles      = 2000 // of one round
)

// ingestBatches measures line a.
func (b *bench) ingestBatches(ctx context.Context) error {
	r, err := b.start(ctx, natsOnly)
	defer r.close()
	if err != nil {
		return err
	}
	w, err := r.serve(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	raw, err := r.raw(ctx)
	if err != nil {
		return err
	}
	defer raw.conn.Close()

	perRound := max(batchEvents*batchSenders, b.events/2)
	var ours, floor []float64
	var spent cost
	for round := range b.rounds {
		// New events in every round: repeats would not be stored.
		var bodies [][]byte
		var payloads [][][]byte
		for payload := range corpus(b.seed+uint64(round), perRound) {
			if n := len(payloads); n == 0 || len(payloads[n-1]) == batchEvents {
				payloads, bodies = append(payloads, nil), append(bodies, nil)
			}
			n := len(payloads) - 1
			payloads[n] = append(payloads[n], bytes.Clone(payload))
			bodies[n] = append(append(bodies[n], payload...), '\n')
		}
		_, took, err := together(ctx, batchSenders, len(payloads), func(ctx context.Context, job int) error {
			return raw.publish(ctx, payloads[job])
		})
		if err != nil {
			return fmt.Errorf("floor: %w", err)
		}
		floor = append(floor, float64(perRound)/took.Seconds())
		before := r.spent()
		_, took, err = together(ctx, batchSenders, len(bodies), func(ctx context.Context, job int) error {
			return w.send(ctx, bodies[job], len(payloads[job]))
		})
		if err != nil {
			return err
		}
		ours = append(ours, float64(perRound)/took.Seconds())
		spent = spent.plus(r.spent().minus(before))
	}
	f := figure{Line: "a", What: "durable HTTP ingest, NDJSON, 1,000 a request, 4 connections", Unit: "events/s", Ours: spreadOf(ours)}.
		against("atomic publishing", spreadOf(floor))
	f.Note = fmt.Sprintf("%.1f core-s/million, clients and NATS included", spent.self/float64(perRound*b.rounds)*1e6)
	b.report.add(f.goal("≥ 0.8", f.Ratio >= 0.8))
	return nil
}

// ingestSingles measures line b.
func (b *bench) ingestSingles(ctx context.Context) error {
	r, err := b.start(ctx, natsOnly)
	defer r.close()
	if err != nil {
		return err
	}
	w, err := r.serve(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	raw, err := r.raw(ctx)
	if err != nil {
		return err
	}
	defer raw.conn.Close()

	// The first request of a credential waits until its secret is checked, a tenth of a second of work; senders do so once.
	for payload := range corpus(b.seed+uint64(b.rounds), 1) {
		if err := w.send(ctx, payload, 1); err != nil {
			return err
		}
	}
	var ours, floor, oursEach, floorEach, alone []float64
	for round := range b.rounds {
		var payloads [][]byte
		for payload := range corpus(b.seed+uint64(round), singles) {
			payloads = append(payloads, bytes.Clone(payload))
		}
		each, took, err := together(ctx, connections, singles, func(ctx context.Context, job int) error {
			return raw.publishOne(ctx, payloads[job])
		})
		if err != nil {
			return fmt.Errorf("floor: %w", err)
		}
		floor, floorEach = append(floor, singles/took.Seconds()), append(floorEach, each...)
		each, took, err = together(ctx, connections, singles, func(ctx context.Context, job int) error {
			return w.send(ctx, payloads[job], 1)
		})
		if err != nil {
			return err
		}
		ours, oursEach = append(ours, singles/took.Seconds()), append(oursEach, each...)
		_, took, err = together(ctx, 1, singles/4, func(ctx context.Context, job int) error {
			return raw.publishOne(ctx, payloads[job])
		})
		if err != nil {
			return fmt.Errorf("floor: %w", err)
		}
		alone = append(alone, singles/4/took.Seconds())
	}
	b.report.add(figure{Line: "b", What: "HTTP ingest of single events, 64 connections", Unit: "events/s", Ours: spreadOf(ours)}.
		against("single publishes, 64 at a time", spreadOf(floor)))
	b.report.add(figure{Line: "b", What: "HTTP ingest of single events, against one publisher", Unit: "events/s", Ours: spreadOf(ours)}.
		against("single publishes, one after the other", spreadOf(alone)))
	b.report.add(latencies("b", "time to accept an event, 64 connections", oursEach, "single publishes, 64 at a time", floorEach, 0.5))
	slowest := latencies("b", "time to accept an event, 64 connections", oursEach, "single publishes, 64 at a time", floorEach, 0.99)
	b.report.add(slowest.goal("≤ 30 ms", slowest.Ours.Median <= 30))
	return nil
}

// latencies is one quantile of Parley and of the floor, in milliseconds.
func latencies(line, what string, ours []float64, of string, floor []float64, q float64) figure {
	at := func(values []float64) *spread {
		if len(values) == 0 {
			return nil
		}
		return &spread{Median: quantile(slices.Sorted(slices.Values(values)), q), Rounds: 1}
	}
	f := figure{Line: line, What: fmt.Sprintf("%s, p%g", what, q*100), Unit: "ms", Ours: at(ours)}
	if of == "" {
		return f
	}
	return f.against(of, at(floor))
}
