package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/projector/history"
	"github.com/parley-analytics/parley/projector/retention"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

// retentionFlags limit the stream of events.
type retentionFlags struct {
	LogMaxAge   span `help:"Drop events from the stream that are older, e.g. 30d, once they are in the ClickHouse archive. 0 keeps all." group:"Log" default:"0s"`
	LogMaxBytes size `help:"Maximum size of the stream, e.g. 20GB. Above 90 %, the oldest archived events are dropped; a full stream answers senders 503. 0 keeps the current limit; \"unlimited\" removes it." group:"Log" default:"0"`
	LogInterval span `name:"log-retention-interval" help:"Interval between retention checks." file:"log.retention-interval" default:"30s"`
}

// maxLogBytes returns the size above which the stream itself refuses to grow.
func (f *retentionFlags) maxLogBytes() int64 { return int64(f.LogMaxBytes) }

// size is a number of bytes that may be written with a unit: 500MB, 20GiB.
type size int64

// unlimited is the number of bytes that means no limit.
const unlimited size = -1

// UnmarshalText reads 1000000, 500MB or 20GiB.
func (b *size) UnmarshalText(text []byte) error {
	written := strings.TrimSpace(string(text))
	if written == "unlimited" {
		*b = unlimited
		return nil
	}
	factor := int64(1)
	for _, unit := range []struct {
		name  string
		bytes int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}} {
		if number, ok := strings.CutSuffix(written, unit.name); ok {
			written, factor = strings.TrimSpace(number), unit.bytes
			break
		}
	}
	n, err := strconv.ParseInt(written, 10, 64)
	if err != nil || n < 0 || n > (1<<62)/factor {
		return fmt.Errorf("%q is not a number of bytes: write 1000000, 500MB or 20GiB", text)
	}
	*b = size(n * factor)
	return nil
}

// String writes the number of bytes.
func (b size) String() string {
	if b == unlimited {
		return "unlimited"
	}
	return strconv.FormatInt(int64(b), 10)
}

// wanted reports whether the flags set any limit.
func (f *retentionFlags) wanted() bool { return f.LogMaxAge > 0 || f.LogMaxBytes > 0 }

// on returns the retention of a stream whose archive is in the tables.
func (f *retentionFlags) on(events *eventlog.Stream, t *tables.Tables, logger *slog.Logger) *retention.Retention {
	return retention.New(retention.Config{
		Stream:   retainedStream{events},
		Archived: func(ctx context.Context) (schema.Sequence, error) { return history.Archived(ctx, t) },
		MaxAge:   time.Duration(f.LogMaxAge), MaxBytes: int64(f.LogMaxBytes), Interval: time.Duration(f.LogInterval), Logger: logger,
	})
}

// retainedStream is the stream of events as retention sees it.
type retainedStream struct{ *eventlog.Stream }

// State implements retention.Stream.
func (s retainedStream) State(ctx context.Context) (retention.State, error) {
	state, err := s.Stream.State(ctx)
	return retention.State{
		First: state.First, Last: state.Last, Messages: state.Messages, Bytes: state.Bytes, FirstTime: state.FirstTime,
	}, err
}

// Next implements retention.Stream.
func (s retainedStream) Next(ctx context.Context, after schema.Sequence) (schema.Entry, bool, error) {
	entry, err := s.Stream.Next(ctx, after)
	if errors.Is(err, eventlog.ErrNotFound) {
		return schema.Entry{}, false, nil
	}
	return entry, err == nil, err
}
