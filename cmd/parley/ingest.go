package main

import (
	"context"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/cmd/internal/readiness"
	"github.com/parley-analytics/parley/ingest"
	"github.com/parley-analytics/parley/ingest/chatra"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/ingest/iadvize"
	"github.com/parley-analytics/parley/ingest/webhook"
)

// ingestFlags are the settings of the HTTP edge.
type ingestFlags struct {
	IngestMemory int64 `name:"ingest-memory" help:"Maximum size of all request bodies in memory, in MiB. Further requests are answered 429." file:"ingest.memory" default:"128"`
}

func (f *ingestFlags) routes() []string { return []string{ingest.Path, webhook.Path} }
func (f *ingestFlags) parts() []readiness.Part {
	needed := []readiness.Purpose{readiness.Ingest}
	return []readiness.Part{{Name: engines.NATS, For: needed}, {Name: "ingest", For: needed}}
}

// start opens the edge in front of the log.
func (f *ingestFlags) start(ctx context.Context, n *node) error {
	edge := ingest.New(ingest.Config{
		Auth: n.authority, Events: n.broker.Events(), Rejected: n.broker.Rejected(),
		Logger: n.log, Registerer: n.registry, MaxHeldBytes: f.IngestMemory << 20,
	})
	n.edge = edge
	n.OnStop("ingest", func(context.Context) error { edge.Close(); return nil })
	n.web.Open(ingest.Path, edge)
	if err := startWebhooks(ctx, n, edge); err != nil {
		return err
	}
	var inbox *eventlog.Inbox
	err := eventlog.Retry(ctx, func() (err error) {
		inbox, err = n.broker.Inbox()
		return err
	})
	if err != nil {
		return err
	}
	n.Background("published events", func(ctx context.Context) error { return edge.TakeIn(ctx, inbox) })
	n.Background("remembered ids", func(ctx context.Context) error {
		err := n.broker.Events().Remember(ctx, eventlog.RememberedIDs)
		if err != nil && ctx.Err() == nil {
			n.log.Warn("duplicate window could not be loaded; duplicates of earlier events will be removed by the projector", "error", err)
		}
		return nil
	})
	n.ready.Watch("ingest", nil)
	return nil
}

// startWebhooks opens the addresses that chat platforms post to.
func startWebhooks(ctx context.Context, n *node, edge *ingest.Server) error {
	var registry *webhook.Registry
	err := eventlog.Retry(ctx, func() (err error) {
		registry, err = webhook.OpenRegistry(ctx, n.broker)
		return err
	})
	if err != nil {
		return err
	}
	chats := &chatra.Webhook{Bucket: registry.Bucket(), Now: time.Now, Settle: chatra.Settle, Logger: n.log}
	hooks := webhook.New(webhook.Config{
		Registry: registry, Ingester: edge, Now: time.Now, Logger: n.log, Registerer: n.registry,
		Sources: map[string]webhook.Source{"iadvize": &iadvize.Webhook{Now: time.Now}, "chatra": chats},
	})
	n.Background("webhooks", hooks.Run)
	n.Background("chats", func(ctx context.Context) error { return chats.Run(ctx, hooks) })
	n.web.Open(webhook.Path, hooks)
	return nil
}

// ingestCommand runs the HTTP edge alone. It needs no ClickHouse.
type ingestCommand struct {
	nodeFlags
	ingestFlags
}

// Run serves until the process is asked to stop.
func (c *ingestCommand) Run(a *app) error {
	return serveBeside(a, &c.nodeFlags, "ingest", &c.ingestFlags)
}
