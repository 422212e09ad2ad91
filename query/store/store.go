package store

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/asof"
	"github.com/parley-analytics/parley/query/meter"
	"github.com/parley-analytics/parley/schema"
)

// Config says where the tables are and what a statement may use.
type Config struct {
	// URL is http://HOST:PORT or https://HOST:PORT for HTTP,
	// clickhouse://HOST:PORT for the native protocol; parameters are
	// clickhouse-go's.
	URL string
	// User and Password take precedence over those in the URL. The user needs
	// SELECT on parley_* only.
	User, Password string
	// TLS, if given, is used for addresses that are encrypted, instead of the
	// certificates that the system trusts.
	TLS *tls.Config
	// Transport, if given, makes what carries the requests of HTTP: see
	// TransportFunc of clickhouse-go.
	Transport func(*http.Transport) (http.RoundTripper, error)
	// Timeout ends a statement, in ClickHouse too. 0 is 10 s.
	Timeout time.Duration
	// MaxMemory is the most bytes a statement may use; 0 leaves it to the user's
	// profile.
	MaxMemory uint64
	// MaxRows is the most rows a statement may read; 0 means unlimited.
	MaxRows uint64
	// MaxResult is the most bytes of the rows of a statement; 0 means unlimited.
	// Those of Extract are passed on and have none.
	MaxResult uint64
	// Clock returns how old the known version of the projection is; nil is
	// time.Now.
	Clock func() time.Time
	// Advances are those of the projectors in this process; nil where none runs.
	Advances *Advances
}

// Store reads the tables. It is safe for concurrent use.
type Store struct {
	config Config
	conn   driver.Conn

	// asking holds one token while a goroutine reads what is live; it guards the
	// two below. Waiting for it ends with the request that waits.
	asking chan struct{}
	live   query.Live
	readAt time.Time

	counts *lru.Cache[[sha256.Size]byte, counted] // of customers, by their statements

	overlays *asof.Cache
}

const (
	defaultTimeout = 10 * time.Second
	// liveFor is how long the known version of the projection is trusted.
	liveFor = time.Second
	// connections bounds the statements under way at a time; more wait.
	connections = 32
)

// Open prepares connections; none is made before the first statement.
func Open(config Config) (*Store, error) {
	if config.Timeout == 0 {
		config.Timeout = defaultTimeout
	}
	if config.Clock == nil {
		config.Clock = time.Now
	}
	address := config.URL
	if rest, encrypted := strings.CutPrefix(address, "https://"); encrypted {
		before, parameters, _ := strings.Cut(rest, "?")
		address = "https://" + before + "?secure=true&" + parameters
	}
	options, err := clickhouse.ParseDSN(address)
	if err != nil {
		return nil, fmt.Errorf("query store: url: %w", err)
	}
	if config.User != "" {
		options.Auth.Username, options.Auth.Password = config.User, config.Password
	}
	if options.TLS != nil && config.TLS != nil {
		name := options.TLS.ServerName
		options.TLS = config.TLS.Clone()
		options.TLS.ServerName = name
	}
	options.Auth.Database = "" // every statement names its own
	options.MaxOpenConns, options.MaxIdleConns = connections, connections
	if options.Settings == nil {
		options.Settings = clickhouse.Settings{}
	}
	options.Settings["max_execution_time"] = max(config.Timeout.Seconds(), 0.001)
	options.Settings["cancel_http_readonly_queries_on_client_close"] = 1
	options.Settings["enable_shared_storage_snapshot_in_query"] = 1
	if options.Protocol == clickhouse.HTTP {
		// The summary of an answer is complete only at its end.
		options.Settings["wait_end_of_query"] = 1
		options.TransportFunc = func(t *http.Transport) (http.RoundTripper, error) {
			if config.Transport == nil {
				return summaries{t}, nil
			}
			carried, err := config.Transport(t)
			return summaries{carried}, err
		}
	}
	if config.MaxMemory > 0 {
		options.Settings["max_memory_usage"] = config.MaxMemory
	}
	if config.MaxResult > 0 {
		options.Settings["max_result_bytes"] = config.MaxResult
	}
	if config.MaxRows > 0 {
		options.Settings["max_rows_to_read"] = config.MaxRows
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		return nil, fmt.Errorf("query store: %w", err)
	}
	counts, err := lru.New[[sha256.Size]byte, counted](mostCounts)
	if err != nil {
		return nil, fmt.Errorf("query store: %w", err)
	}
	s := &Store{config: config, conn: conn, asking: make(chan struct{}, 1), counts: counts}
	s.overlays = asof.NewCache(past{s})
	return s, nil
}

// Close ends the connections.
func (s *Store) Close() error {
	s.overlays.Close()
	return s.conn.Close()
}

// Ping reports whether the server answers.
func (s *Store) Ping(ctx context.Context) error { return s.conn.Ping(ctx) }

// Live returns which projection answers. The answer is at most a second old:
// the position may be behind what the tables show, never ahead of it.
func (s *Store) Live(ctx context.Context) (query.Live, error) { return s.liveWithin(ctx, liveFor) }

// liveWithin returns which projection answers, as read at most some time ago.
func (s *Store) liveWithin(ctx context.Context, age time.Duration) (query.Live, error) {
	select {
	case s.asking <- struct{}{}:
		defer func() { <-s.asking }()
	case <-ctx.Done():
		return query.Live{}, ctx.Err()
	}
	if now := s.config.Clock(); s.readAt.IsZero() || now.Sub(s.readAt) >= age || now.Before(s.readAt) {
		live, err := s.readLive(ctx)
		if err != nil {
			return query.Live{}, err
		}
		s.live, s.readAt = live, now
	}
	return s.live, nil
}

func (s *Store) readLive(ctx context.Context) (query.Live, error) {
	versions, err := read(ctx, s, newStatement("projection", query.Scope{}), func(v *uint32) []any { return []any{v} })
	if err != nil {
		return query.Live{}, err
	}
	if len(versions) == 0 {
		return query.Live{}, &query.Error{Code: query.CodeUnavailable, Message: "no projection is live yet"}
	}
	live := query.Live{Projection: versions[0]}
	s.overlays.Live(live.Projection)
	live.Position, live.Written, err = s.positions(ctx, live.Projection)
	return live, err
}

// positions returns the position that answers report, and the one up to which all rows are written except those of conversations that are
// behind (package projector). The reported one is before the first of their events, so that a reader who continues from it gets these rows too.
func (s *Store) positions(ctx context.Context, projection uint32) (reported, written schema.Sequence, err error) {
	type row struct{ written, behind uint64 }
	rows, err := read(ctx, s, newStatement("position", query.Scope{Projection: projection}), func(r *row) []any { return []any{&r.written, &r.behind} })
	if err != nil {
		return 0, 0, err
	}
	reported, written = schema.Sequence(rows[0].written), schema.Sequence(rows[0].written)
	if behind := schema.Sequence(rows[0].behind); behind > 0 {
		reported = min(reported, behind-1)
	}
	return reported, written, nil
}

// Position implements query.Store.
func (s *Store) Position(ctx context.Context, projection uint32) (schema.Sequence, error) {
	reported, _, err := s.positions(ctx, projection)
	return reported, err
}

// Written implements query.Store.
func (s *Store) Written(ctx context.Context, projection uint32) (schema.Sequence, error) {
	_, written, err := s.positions(ctx, projection)
	return written, err
}

// read runs a statement and returns its rows. A request that sends the same one again
// gets the same rows.
func read[R any](ctx context.Context, s *Store, st *statement, into func(*R) []any) ([]R, error) {
	if err := st.fits(); err != nil {
		return nil, err
	}
	list, err := query.Once(ctx, st.key(), func() (any, error) {
		if st.scope.AsOf > 0 {
			return runAsOf(ctx, s, st, into)
		}
		return run(ctx, s, st, into)
	})
	rows, _ := list.([]R)
	return slices.Clone(rows), err
}

func run[R any](ctx context.Context, s *Store, st *statement, into func(*R) []any) ([]R, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	count := &query.Statement{Name: st.name, Columns: st.columns}
	ctx = context.WithValue(ctx, countKey{}, count)
	ctx = clickhouse.Context(ctx, clickhouse.WithProgress(func(p *clickhouse.Progress) {
		count.RowsRead += p.Rows
		count.BytesRead += p.Bytes
	}))
	began := time.Now()
	list, err := scan(ctx, s.conn, st, into)
	query.StatsFrom(ctx).Add(*count)
	if m := meter.From(ctx); err != nil && count.RowsRead == 0 {
		m.ReadFor(time.Since(began))
	} else {
		m.Read(count.RowsRead)
	}
	if err != nil {
		return nil, withCode(st.name, err)
	}
	return list, nil
}

func scan[R any](ctx context.Context, conn driver.Conn, st *statement, into func(*R) []any) ([]R, error) {
	rows, err := conn.Query(ctx, st.sent(), st.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []R
	for rows.Next() {
		list = append(list, *new(R))
		values := into(&list[len(list)-1])
		if err := rows.Scan(values...); err != nil {
			return nil, err
		}
		if err := meter.From(ctx).Load(sizeOf(values)); err != nil {
			return nil, err
		}
	}
	return list, rows.Err()
}

// readColumns runs a statement that selects columns.
func readColumns[R any](ctx context.Context, s *Store, st *statement, columns []column[R]) ([]R, error) {
	st.columns = expressions(columns)
	st.with("columns", selection(st.columns))
	return read(ctx, s, st, func(r *R) []any {
		into := make([]any, len(columns))
		for i, c := range columns {
			into[i] = c.into(r)
		}
		return into
	})
}

// readCount runs a statement that returns one number.
func readCount(ctx context.Context, s *Store, st *statement) (uint64, error) {
	counts, err := read(ctx, s, st, func(v *uint64) []any { return []any{v} })
	if err != nil {
		return 0, err
	}
	return counts[0], nil
}

// withCode adds a code to an error of a statement that the caller should see;
// every other failure stays a fault. The cause goes along for the log.
func withCode(name string, err error) error {
	known := codeOf(err)
	if known == nil {
		return fmt.Errorf("statement %s: %w", name, err)
	}
	return fmt.Errorf("statement %s: %w: %w", name, known, err)
}

func codeOf(err error) *query.Error {
	late := &query.Error{Code: query.CodeTimeout, Message: "the query exceeded the time limit"}
	away := &query.Error{Code: query.CodeUnavailable, Message: "the tables cannot be reached at the moment"}
	var exception *clickhouse.Exception
	var network net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return late
	case errors.As(err, &exception):
		switch exception.Code {
		case 159, 160, 394: // TIMEOUT_EXCEEDED, TOO_SLOW, QUERY_WAS_CANCELLED
			return late
		case 396: // TOO_MANY_ROWS_OR_BYTES, of the result
			return &query.Error{Code: query.CodeAnswerTooLarge, Message: "the rows of the answer exceed the size limit: request shorter pages, fewer fields or fewer aliases"}
		case 158, 241, 307: // TOO_MANY_ROWS, MEMORY_LIMIT_EXCEEDED, TOO_MANY_BYTES
			return &query.Error{Code: query.CodeTooLarge, Message: "the query exceeds its limit on rows or memory: request a shorter interval or fewer fields"}
		case 202, 210, 236: // TOO_MANY_SIMULTANEOUS_QUERIES, NETWORK_ERROR, ABORTED
			return away
		}
	case errors.As(err, &network) && network.Timeout() && !dialing(err):
		return late // the native protocol ends an answer like this at the deadline
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return away
	}
	return nil
}

// dialing reports that a connection could not be made.
func dialing(err error) bool {
	var operation *net.OpError
	return errors.As(err, &operation) && operation.Op == "dial"
}
