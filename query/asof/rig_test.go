package asof_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/erase"
	"github.com/parley-analytics/parley/projector/history"
	"github.com/parley-analytics/parley/projector/replay"
	"github.com/parley-analytics/parley/projector/sink"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/store"
	"github.com/parley-analytics/parley/schema"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// memory is a log in memory, from which events can be erased.
type memory struct {
	mu      sync.Mutex
	entries []schema.Entry
	last    schema.Sequence
	taken   time.Time // when it takes the next event
}

func (m *memory) Close() {}

func (m *memory) Append(_ context.Context, payloads [][]byte) ([]schema.Sequence, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var sequences []schema.Sequence
	for record := range slices.Chunk(payloads, 50) { // a few numbers of 4,096 each, as in the log
		begin := m.last/4096*4096 + 4096
		m.last = begin + 4095
		for i, p := range record {
			m.taken = m.taken.Add(time.Second)
			entry := schema.Entry{Sequence: begin + schema.Sequence(i), ReceivedAt: m.taken, Payload: p}
			if i == len(record)-1 {
				entry.Through = m.last
			}
			m.entries = append(m.entries, entry)
			sequences = append(sequences, entry.Sequence)
		}
	}
	return sequences, nil
}

func (m *memory) Erase(_ context.Context, sequences ...schema.Sequence) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries = slices.DeleteFunc(slices.Clone(m.entries), func(e schema.Entry) bool { return slices.Contains(sequences, e.Sequence) })
	return nil
}

// Gap is the sequence before the next entry.
func (m *memory) Gap(_ context.Context, after schema.Sequence) (schema.Sequence, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.entries {
		if e.Sequence > after {
			return e.Sequence - 1, nil
		}
	}
	return max(after, m.last), nil
}

func (m *memory) Last(context.Context) (schema.Sequence, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last, nil
}

func (m *memory) Read(ctx context.Context, after schema.Sequence, most int, wait time.Duration) ([]schema.Entry, error) {
	m.mu.Lock()
	entries := m.entries
	m.mu.Unlock()
	at, found := slices.BinarySearchFunc(entries, after, func(e schema.Entry, s schema.Sequence) int { return int(e.Sequence) - int(s) })
	if found {
		at++
	}
	if at < len(entries) {
		return slices.Clone(entries[at:min(at+most, len(entries))]), nil
	}
	select {
	case <-ctx.Done():
	case <-time.After(min(wait, 10*time.Millisecond)):
	}
	return nil, nil
}

// lease is one that goroutines of this process hold in turn.
type lease chan struct{}

func (l lease) Keep(ctx context.Context, do func(context.Context) error) error {
	select {
	case <-ctx.Done():
		return nil
	case l <- struct{}{}:
	}
	defer func() { <-l }()
	return do(ctx)
}

// rig is a log with its projection.
type rig struct {
	store   *store.Store
	engine  *enginetest.ClickHouseServer
	tables  *tables.Tables
	log     *memory
	refused *memory
	rebuild *replay.Rebuild
	api     *query.API
	clock   atomic.Int64 // runs fast, so that what is live is asked each time
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{engine: enginetest.ClickHouse(t), log: &memory{taken: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}, refused: &memory{}}
	var err error
	r.tables, err = sink.Dial(t.Context(), sink.Server{URL: "http://" + r.engine.Addr, User: r.engine.Writer.Name, Password: r.engine.Writer.Password})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.tables.Close() })
	// A test before may have left any number of versions.
	for _, database := range strings.Fields(r.engine.Exec(t, "SELECT name FROM system.databases WHERE match(name, '^parley(_meta|_[0-9]+)?$')")) {
		r.engine.Exec(t, "DROP DATABASE IF EXISTS "+database+" SYNC")
	}
	if err := r.tables.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.rebuild = &replay.Rebuild{Tables: r.tables, Patience: time.Minute, Lease: make(lease, 1), Open: r.open,
		Ends: func(ctx context.Context) (map[string]schema.Sequence, error) {
			last, err := r.log.Last(ctx)
			return map[string]schema.Sequence{projector.LogEvents: last}, err
		},
		Gaps: func(ctx context.Context, log string, after schema.Sequence) (schema.Sequence, error) {
			if log == projector.LogEvents {
				return r.log.Gap(ctx, after)
			}
			return after, nil
		}}
	r.restart(t)
	return r
}

func (r *rig) open(ctx context.Context, version uint32) (*projector.Projector, func(), error) {
	s, err := sink.Open(ctx, r.tables.Conn(), sink.Options{Projection: version, StoreText: true})
	if err != nil {
		return nil, nil, err
	}
	p, err := projector.New(projector.Config{Log: r.log, Sink: s, Archive: s, BatchEvents: 200})
	return p, func() {}, err
}

// restart begins with no memory of earlier questions.
func (r *rig) restart(t *testing.T) {
	t.Helper()
	s, err := store.Open(store.Config{URL: "http://" + r.engine.Addr, User: r.engine.Reader.Name, Password: r.engine.Reader.Password,
		Timeout: time.Minute, Clock: func() time.Time { return time.Unix(r.clock.Add(10), 0) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	r.store = s
	if r.api, err = query.New(query.Config{Store: s, Key: []byte("a key of the tests"), Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}); err != nil {
		t.Fatal(err)
	}
}

// project projects all of the log, then what then appends, if it is given.
func (r *rig) project(t *testing.T, then func()) {
	t.Helper()
	live, err := r.tables.Live(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, release, err := r.open(t.Context(), live)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	r.projected(t)
	if then != nil {
		then()
		r.projected(t)
	}
}

// projected waits until all of the log is.
func (r *rig) projected(t *testing.T) {
	t.Helper()
	last, _ := r.log.Last(t.Context())
	for deadline := time.Now().Add(time.Minute); ; {
		at, err := history.Projected(t.Context(), r.tables, projector.LogEvents)
		if err == nil && at >= last {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("at %d of %d: %v", at, last, err)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// append puts events into the log and projects them. All rows of the first one's conversation are written; of the others those that differ:
// the projector has begun before them.
func (r *rig) append(t *testing.T, events ...schema.Event) {
	t.Helper()
	payloads := make([][]byte, len(events))
	for i := range events {
		payloads[i] = schema.Encode(&events[i])
	}
	add := func(some [][]byte) {
		if _, err := r.log.Append(t.Context(), some); err != nil {
			t.Fatal(err)
		}
	}
	first := min(len(payloads), 1)
	add(payloads[:first])
	r.project(t, func() { add(payloads[first:]) })
}

// eraseConversation removes the personal data of a conversation.
func (r *rig) eraseConversation(t *testing.T, key schema.ConversationKey) {
	t.Helper()
	e := &erase.Erasure{Tables: r.tables, Events: r.log, Rejected: r.refused, MakeLive: r.rebuild.MakeLive}
	if _, err := e.Run(t.Context(), erase.Target{Project: key.Project, Conversations: []schema.ConversationID{key.Conversation}}); err != nil {
		t.Fatal(err)
	}
	r.project(t, nil)
}

// ask returns the data of an answer.
func (r *rig) ask(t *testing.T, document string) string {
	t.Helper()
	data, err := r.try(t, document)
	if err != nil {
		t.Fatalf("%s: %v", document, err)
	}
	return data
}

func (r *rig) try(t *testing.T, document string) (string, error) {
	ctx := query.WithCaller(t.Context(), schema.Caller{ID: "reader", Scopes: []schema.Scope{schema.ScopeRead}, Projects: schema.Projects{All: true}})
	if export(document) {
		return r.export(ctx, document)
	}
	response := r.api.Schema().Exec(ctx, document, "", nil)
	if len(response.Errors) > 0 {
		return "", errors.New(fmt.Sprint(response.Errors[0]))
	}
	return string(response.Data), nil
}

// export reports whether a question is the address of an export.
func export(question string) bool { return !strings.HasPrefix(question, "{") }

func (r *rig) export(ctx context.Context, address string) (string, error) {
	table, parameters, _ := strings.Cut(address, "?")
	values, err := url.ParseQuery(parameters)
	if err != nil {
		return "", err
	}
	e, err := r.api.Extract(ctx, query.Table(table), values)
	if err != nil {
		return "", err
	}
	count, err := r.store.CountExtract(ctx, e)
	if err != nil {
		return "", err
	}
	stream, err := r.store.Extract(ctx, e)
	if err != nil {
		return "", err
	}
	defer stream.Close()
	rows, err := io.ReadAll(stream)
	return fmt.Sprintf("%d rows at %s\n%s", count, e.Position, rows), err
}
