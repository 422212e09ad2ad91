package engines

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/projector/sink"
	"github.com/parley-analytics/parley/projector/tables"
)

// Session is a connection of one command to the log and the tables.
type Session struct {
	Log    *eventlog.Broker
	Tables *tables.Tables
	Live   uint32      // the version of the tables that answered queries when the session began
	Writer sink.Server // the server of the tables

	release []func()
}

// Open connects a command, whose name appears in NATS.
func (l *Location) Open(ctx context.Context, name string, logger *slog.Logger) (*Session, error) {
	s := &Session{}
	if err := s.open(ctx, l, name, logger); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// OpenAlone is [Location.Open] for a command that rewrites or compares the log or the tables: one
// at a time on a data dir.
func (l *Location) OpenAlone(ctx context.Context, name string, logger *slog.Logger) (*Session, error) {
	lock, err := embedded.LockDataDir(filepath.Join(l.DataDir, "rebuild"))
	if err != nil {
		return nil, fmt.Errorf("another replay, verify, erase or quarantine command is running: %w", err)
	}
	s := &Session{release: []func(){func() { _ = lock.Unlock() }}} // the end of the process also unlocks
	if err := s.open(ctx, l, name, logger); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Session) open(ctx context.Context, l *Location, name string, logger *slog.Logger) error {
	e, err := l.Find()
	if err != nil {
		return err
	}
	s.Writer = e.Writer
	if s.Log, err = e.Observe(ctx, name, logger); err != nil {
		return err
	}
	s.release = append(s.release, s.Log.Close)
	if s.Tables, err = e.openTablesNow(ctx, logger); err != nil {
		return err
	}
	s.release = append(s.release, func() { _ = s.Tables.Close() })
	if s.Live, err = s.Tables.Live(ctx); err != nil {
		return err
	}
	return s.Tables.CheckLive(ctx, s.Live)
}

// openTablesNow is like OpenTables for a command, which does not wait for long.
func (e *Engines) openTablesNow(ctx context.Context, logger *slog.Logger) (*tables.Tables, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, answerWithin, fmt.Errorf("ClickHouse did not answer within %v", answerWithin))
	defer cancel()
	return e.OpenTables(ctx, logger)
}

// Close ends the session and lets the next command run.
func (s *Session) Close() {
	for i := len(s.release) - 1; i >= 0; i-- {
		s.release[i]()
	}
}

// answerWithin is how long a command waits for an engine.
const answerWithin = 15 * time.Second

// OpenRecords opens records that a role keeps in the log's buckets: webhooks, credentials and the
// like. The caller closes the broker.
func OpenRecords[T any](ctx context.Context, l *Location, name string, open func(context.Context, *eventlog.Broker) (T, error)) (records T, broker *eventlog.Broker, err error) {
	e, err := l.FindLog()
	if err != nil {
		return records, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if broker, err = e.Observe(ctx, name, nil); err != nil {
		return records, nil, err
	}
	if records, err = open(ctx, broker); err != nil {
		broker.Close()
		return records, nil, err
	}
	return records, broker, nil
}
