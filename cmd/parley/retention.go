package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/history"
	"github.com/parley-analytics/parley/projector/retention"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

// retentionFlags limit the streams of the log.
type retentionFlags struct {
	LogMaxAge   span `help:"Drop events from the stream that are older, e.g. 30d, once they are in the ClickHouse archive. 0 keeps all." group:"Log" default:"0s"`
	LogMaxBytes size `help:"Maximum size of the stream, e.g. 20GB. Above 90 %, the oldest archived events are dropped; a full stream answers senders 503. 0 keeps the current limit; \"unlimited\" removes it." group:"Log" default:"0"`

	RejectedMaxAge   span `help:"Drop rejected events that are older from the log and from quarantine. 0 keeps all." file:"log.rejected.max-age" default:"90d"`
	RejectedMaxBytes size `help:"Maximum size of the stream of rejected events. Above 90 %, the oldest are dropped from the log and from quarantine; a full stream answers requests with rejected events 503. 0 keeps the current limit; \"unlimited\" removes it." file:"log.rejected.max-bytes" default:"1GiB"`

	LogInterval span `name:"log-retention-interval" help:"Interval between retention checks." file:"log.retention-interval" default:"30s"`
}

// maxLogBytes returns the sizes above which the streams themselves refuse to grow.
func (f *retentionFlags) maxLogBytes() (events, rejected int64) {
	return int64(f.LogMaxBytes), int64(f.RejectedMaxBytes)
}

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

// run drops from both streams what is beyond their limits.
func (f *retentionFlags) run(n *node, t *tables.Tables) {
	events := f.on(n, t, projector.LogEvents, n.broker.Events())
	events.MaxAge, events.MaxBytes = time.Duration(f.LogMaxAge), int64(f.LogMaxBytes)

	rejected := f.on(n, t, projector.LogRejected, n.broker.Rejected())
	rejected.MaxAge, rejected.MaxBytes = time.Duration(f.RejectedMaxAge), int64(f.RejectedMaxBytes)
	rejected.Forget = t.ExpireQuarantined // these have no archive that a rebuild could read

	n.Background("retention of events", events.Run)
	n.Background("retention of rejected events", rejected.Run)
}

// on returns the retention of a stream of which the live version stores what it projects.
func (f *retentionFlags) on(n *node, t *tables.Tables, log string, stream *eventlog.Stream) *retention.Retention {
	return retention.New(retention.Config{
		Log: log, Stream: retainedStream{stream},
		Stored:   func(ctx context.Context) (schema.Sequence, error) { return history.Projected(ctx, t, log) },
		Interval: time.Duration(f.LogInterval), Logger: n.log, Registerer: n.registry,
	})
}

// retainedStream is a stream as retention sees it.
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
