package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/crash"
	"github.com/parley-analytics/parley/ingest"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/ingest/source"
	"github.com/parley-analytics/parley/query/chatra"
	"github.com/parley-analytics/parley/query/store"
	"github.com/parley-analytics/parley/schema"
)

// startChatra opens the REST API of Chatra.
func startChatra(n *node, tables *store.Store) {
	handler := chatra.New(chatra.Config{
		Authenticator: n.authority, Log: &chatraLog{n.entrance(), n.broker.Events(), crash.Point("chatra")}, Tables: tables,
		Operator: source.OperatorID, Now: time.Now, Logger: n.log,
	})
	for _, path := range chatra.Paths() {
		n.web.Open(path, handler)
	}
}

// entrance returns the edge that takes in events: that of the ingest role, or a separate one if the
// process does not run that role.
func (n *node) entrance() *ingest.Server {
	if n.edge == nil {
		n.edge = ingest.New(ingest.Config{
			Auth: n.authority, Events: n.broker.Events(), Rejected: n.broker.Rejected(), Logger: n.log, Registerer: n.registry,
		})
		n.OnStop("events", func(context.Context) error { n.edge.Close(); return nil })
	}
	return n.edge
}

// chatraLog lets the REST API of Chatra write to the log.
type chatraLog struct {
	edge   *ingest.Server
	events *eventlog.Stream
	passed func(point string) // for the crash tests; nil otherwise
}

// Last implements chatra.Log.
func (l *chatraLog) Last(ctx context.Context) (schema.Sequence, error) { return l.events.Last(ctx) }

// Append implements chatra.Log.
func (l *chatraLog) Append(_ context.Context, project schema.ProjectID, events []chatra.Event) error {
	encoded := make([][]byte, len(events))
	for i, e := range events {
		event := source.Event{
			ID: e.ID, Source: chatra.Source, Type: e.Type, Time: e.Time, Conversation: e.Subject, Project: project, Data: e.Data,
		}
		encoded[i] = event.Encode()
		if _, fault := schema.Decode(encoded[i], time.Now()); fault != nil {
			return fault
		}
	}
	_, err := l.edge.Deliver(&ingest.Delivery{Project: project, Events: encoded})
	if l.passed != nil && err == nil {
		l.passed("appended")
	}
	if errors.Is(err, eventlog.ErrUnknownOutcome) {
		return fmt.Errorf("%w: %w", chatra.ErrUnknownOutcome, err)
	}
	return err
}
