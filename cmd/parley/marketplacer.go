package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/parley-analytics/parley/cmd/internal/crash"
	"github.com/parley-analytics/parley/ingest"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/ingest/source"
	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/auth"
	"github.com/parley-analytics/parley/query/marketplacer"
	"github.com/parley-analytics/parley/query/meter"
	"github.com/parley-analytics/parley/query/store"
	"github.com/parley-analytics/parley/query/transport"
	"github.com/parley-analytics/parley/schema"
	sdl "github.com/parley-analytics/parley/schema/graphql"
)

const (
	marketplacerPath   = "/marketplacer/graphql"
	marketplacerHeader = "marketplacer-api-key"
	// marketplacerPatience is how long a mutation waits until it is visible to queries.
	marketplacerPatience = 10 * time.Second
)

// marketplacerRates are the rate limits that Marketplacer documents.
func marketplacerRates() auth.Rates {
	return auth.Rates{Address: 600, Key: 750, Projects: 1200, Window: 10 * time.Second}
}

// marketplacerLimits are the limits of queries for many small requests at a time,
// most of which wait for the tables.
func marketplacerLimits(limits transport.Limits) transport.Limits {
	limits.Concurrent, limits.Waiting = 32, 1200
	limits.AnswerBytes = min(limits.AnswerBytes, 2<<20)
	return limits
}

// startMarketplacer opens the seller chats.
func (f *queryFlags) startMarketplacer(n *node, tables *store.Store, key []byte, traces trace.TracerProvider, turns *meter.Turns) error {
	limits := marketplacerLimits(f.limits())
	api, err := marketplacer.New(marketplacer.Config{
		Store: tables, Log: chatLog{n.entrance(), n.broker.Events()}, Logger: n.log, Key: key, Now: time.Now, Patience: marketplacerPatience,
		OperatorID: func(key string) schema.OperatorID { return source.OperatorID("marketplacer", key) },
		At:         crash.Point("chat"), Options: limits.SchemaOptions(traces, turns),
	})
	if err != nil {
		return err
	}
	handler, err := transport.New(transport.Config{
		Executor: api.Schema(), SDL: sdl.Marketplacer(), Path: marketplacerPath, Scope: schema.ScopeChat,
		Authenticator: n.authority.APIKeys(marketplacerHeader, marketplacerRates()), Begin: beginChat,
		Limits: limits, Together: 64, Origins: f.AllowOrigin,
		Logger: n.log, Metrics: n.registry, Tracing: traces, Now: time.Now, CompleteError: marketplacer.CompleteValidation,
	})
	if err != nil {
		return err
	}
	n.web.Open(marketplacerPath, handler)
	return nil
}

// beginChat puts the caller into a request's context and counts what it reads.
func beginChat(ctx context.Context, caller schema.Caller) (context.Context, func() uint64) {
	ctx, stats := query.WithStats(marketplacer.WithCaller(ctx, caller))
	return ctx, stats.RowsRead
}

// chatLog appends the events of mutations, as POST /v1/events does.
type chatLog struct {
	edge   *ingest.Server
	events *eventlog.Stream
}

// Append implements marketplacer.Log.
func (l chatLog) Append(ctx context.Context, project schema.ProjectID, events []schema.Event) (schema.Sequence, error) {
	delivery := &ingest.Delivery{Project: project}
	for i := range events {
		delivery.Events = append(delivery.Events, schema.Encode(&events[i]))
	}
	answer, err := l.edge.Deliver(delivery)
	switch {
	case errors.Is(err, eventlog.ErrUnknownOutcome):
		return 0, fmt.Errorf("%w: %w", marketplacer.ErrUnknownOutcome, err)
	case err != nil:
		return 0, fmt.Errorf("%w: %w", marketplacer.ErrUnavailable, err)
	case len(answer.Rejected) > 0:
		return 0, fmt.Errorf("an event was rejected: %s", answer.Rejected[0].Message)
	case answer.LastSequence != nil && answer.Duplicates == 0:
		return *answer.LastSequence, nil
	}
	return l.events.Last(ctx) // a duplicate has an earlier sequence
}
