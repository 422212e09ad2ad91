package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/ingest/outgoing"
	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/history"
	"github.com/parley-analytics/parley/projector/sink"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

// sendWebhooks posts outgoing webhooks for events that the live projection has reached.
func sendWebhooks(ctx context.Context, n *node, logs *history.Logs) error {
	var registry *outgoing.Registry
	err := eventlog.Retry(ctx, func() (err error) {
		registry, err = outgoing.OpenRegistry(ctx, n.broker)
		return err
	})
	if err != nil {
		return err
	}
	lease, err := n.lease(ctx, "outgoing")
	if err != nil {
		return err
	}
	sender := outgoing.New(outgoing.Config{
		Registry: registry, Lease: lease, Archive: &liveArchive{tables: logs.Tables, log: n.log}, Now: time.Now, Logger: n.log, Registerer: n.registry,
		Open: func(ctx context.Context) (outgoing.Log, error) { return logs.Whole(ctx) },
	})
	n.Background("outgoing webhooks", sender.Run)
	return nil
}

// liveArchive is the archive of the live version of the tables.
type liveArchive struct {
	tables *tables.Tables
	log    *slog.Logger

	mu      sync.Mutex // one Recall at a time
	version uint32     // of archive
	archive *sink.Sink
}

// Position implements outgoing.Archive.
func (a *liveArchive) Position(ctx context.Context) (schema.Sequence, error) {
	return history.Projected(ctx, a.tables, projector.LogEvents)
}

// Recall implements outgoing.Archive.
func (a *liveArchive) Recall(ctx context.Context, keys []schema.ConversationKey) (map[schema.ConversationKey][]schema.Record, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	live, err := a.tables.Live(ctx)
	if err != nil {
		return nil, err
	}
	if a.archive == nil || a.version != live {
		if a.archive, err = sink.Open(ctx, a.tables.Conn(), sink.Options{Projection: live, Logger: a.log}); err != nil {
			return nil, err
		}
		a.version = live
	}
	archived, err := a.archive.Recall(ctx, keys)
	if err != nil {
		return nil, err
	}
	found := make(map[schema.ConversationKey][]schema.Record, len(archived))
	for key, events := range archived {
		for i := range events {
			found[key] = append(found[key], events[i].Record)
		}
	}
	return found, nil
}
