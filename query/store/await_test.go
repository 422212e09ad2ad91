package store

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/store/storetest"
	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/clickhouse"
)

// live makes the tables of a version, which are live until the test ends.
func live(t *testing.T, version uint32, position uint64) *enginetest.ClickHouseServer {
	t.Helper()
	server := enginetest.ClickHouse(t)
	storetest.Migrate(t, server, version)
	t.Cleanup(func() { // other tests of this server say themselves what is live
		server.Exec(t, fmt.Sprintf("DELETE FROM %s.turns WHERE version = %d", clickhouse.MetaDatabase, version))
	})
	storetest.SetPosition(t, server, version, position)
	return server
}

// awaiting starts to wait for a position.
func awaiting(ctx context.Context, s *Store, position schema.Sequence) <-chan error {
	done := make(chan error, 1)
	go func() {
		live, err := s.Await(ctx, position)
		if err == nil && live.Written < position {
			err = &query.Error{Code: query.CodeInternal, Message: "it did not wait"}
		}
		done <- err
	}()
	return done
}

// reaches wants the wait to end without an error.
func reaches(t *testing.T, done <-chan error) {
	t.Helper()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(2 * time.Minute):
		t.Fatal("it goes on waiting")
	}
}

func TestAwaitEndsWhenAProjectorReportsOrTheTablesShowThePosition(t *testing.T) {
	server := live(t, 62, 50)
	var advances Advances
	s := open(t, func(c *Config) { c.Advances = &advances })
	reaches(t, awaiting(t.Context(), s, 50))

	// The position reported by a projector of this process is enough, unless it is of another version.
	first, second := awaiting(t.Context(), s, 60), awaiting(t.Context(), s, 70)
	advances.Note(2, 100, 100)
	advances.Note(62, 60, 60)
	reaches(t, first)
	select {
	case err := <-second:
		t.Error("70 was reached at 60", err)
	default:
	}
	// While rows are behind, the reported position stays before them.
	advances.Note(62, 65, 61)
	if at, err := s.Await(t.Context(), 65); err != nil || at.Position != 61 || at.Written != 65 {
		t.Errorf("with rows behind 61, waiting for 65 returns %+v (%v)", at, err)
	}
	// Another process may go on with the version: then the tables show it.
	storetest.SetPosition(t, server, 62, 70)
	reaches(t, second)

	ctx, cancel := context.WithCancel(t.Context())
	third := awaiting(ctx, s, 80)
	cancel()
	if err := <-third; code(err) != query.CodeTimeout {
		t.Errorf("the end of a request: %v", err)
	}
}

func TestAwaitWithoutAProjectorReadsTheTables(t *testing.T) {
	server := live(t, 63, 5)
	s := open(t, nil)
	waits := awaiting(t.Context(), s, 6)
	storetest.SetPosition(t, server, 63, 6)
	reaches(t, waits)
}
