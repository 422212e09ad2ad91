package tables

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	ddl "github.com/parley-analytics/parley/schema/clickhouse"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// fresh returns a connection to a server without any of our databases.
func fresh(t *testing.T) *Tables {
	t.Helper()
	server := enginetest.ClickHouse(t)
	conn, err := clickhouse.Open(&clickhouse.Options{
		Addr: []string{server.Addr}, Protocol: clickhouse.HTTP,
		Auth: clickhouse.Auth{Username: server.Writer.Name, Password: server.Writer.Password},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	tables := New(conn)
	databases, err := tables.names(t.Context(), "SELECT name FROM system.databases WHERE name = 'parley' OR startsWith(name, 'parley_')")
	if err != nil {
		t.Fatal(err)
	}
	for _, database := range databases {
		server.Exec(t, "DROP DATABASE "+database+" SYNC")
	}
	return tables
}

func up(t *testing.T, tables *Tables) {
	t.Helper()
	if err := tables.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := tables.Check(t.Context()); err != nil {
		t.Fatalf("after Up: %v", err)
	}
}

func TestUpTwiceChangesNothingMore(t *testing.T) {
	tables := fresh(t)
	up(t, tables)
	state := func() string {
		return enginetest.ClickHouse(t).Exec(t, `SELECT * FROM (
			SELECT name, checksum, toString(applied_at) FROM parley_meta.migrations
			UNION ALL SELECT database || '.' || name, create_table_query, toString(metadata_modification_time) FROM system.tables WHERE database LIKE 'parley%'
		) ORDER BY ALL`)
	}
	before := state()
	up(t, tables)
	if after := state(); after != before {
		t.Errorf("the second Up makes\n%s\nof\n%s", after, before)
	}
	if live, err := tables.Live(t.Context()); live != 1 || err != nil {
		t.Errorf("live is %d (%v)", live, err)
	}
	if engines := enginetest.ClickHouse(t).Exec(t, "SELECT DISTINCT engine FROM system.databases WHERE name LIKE 'parley%'"); engines != "Atomic" {
		t.Errorf("engines are %s", engines)
	}
}

// cutOff is a connection that breaks after some statements.
type cutOff struct {
	driver.Conn
	left int
}

var errCut = errors.New("cut off")

func (c *cutOff) Exec(ctx context.Context, query string, args ...any) error {
	if c.left--; c.left < 0 {
		return errCut
	}
	return c.Conn.Exec(ctx, query, args...)
}

func TestUpContinuesAfterAnInterruption(t *testing.T) {
	tables := fresh(t)
	cuts := 0
	for ; ; cuts++ {
		// One statement is applied and not noted, the next time it is, and one more. Views are noted after the last of them, so each
		// attempt has more statements than the one before.
		err := New(&cutOff{Conn: tables.conn, left: 1 + cuts}).Up(t.Context())
		if err == nil {
			break
		}
		if !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		var pending *ddl.PendingError
		if err := tables.Check(t.Context()); !errors.As(err, &pending) || len(pending.Missing) == 0 {
			t.Fatalf("check says %v", err)
		}
	}
	if cuts < 5 {
		t.Errorf("only %d cuts", cuts)
	}
	up(t, tables)
}

func TestManyProcessesAtOnceMayBringAServerUp(t *testing.T) {
	tables := fresh(t)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if err := tables.Up(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	up(t, tables)
	all, err := tables.Projections(t.Context())
	if err != nil || len(all) != 1 {
		t.Errorf("projections are %v (%v)", all, err)
	}
}

func TestCheckListsMissingStatements(t *testing.T) {
	tables := fresh(t)
	err := tables.Check(t.Context())
	if err == nil || !strings.Contains(err.Error(), "database parley_meta") {
		t.Errorf("on an empty server: %v", err)
	}
	if databases, err := tables.names(t.Context(), "SELECT name FROM system.databases WHERE name LIKE 'parley%'"); err != nil || len(databases) > 0 {
		t.Errorf("Check makes %v (%v)", databases, err)
	}
	up(t, tables)
	enginetest.ClickHouse(t).Exec(t, "DROP VIEW parley.contacts SYNC")
	var pending *ddl.PendingError
	if err := tables.Check(t.Context()); !errors.As(err, &pending) || !slices.Equal(pending.Missing, []string{"view parley.contacts"}) {
		t.Errorf("without a view: %v", err)
	}
	up(t, tables)
}

func TestADatabaseThatWouldNotKeepTheTablesIsRefused(t *testing.T) {
	tables := fresh(t)
	server := enginetest.ClickHouse(t)
	server.Exec(t, "CREATE DATABASE parley_notes ENGINE = Memory") // not one of Parley's
	for _, database := range []string{"parley", "parley_meta", "parley_1", "parley_12"} {
		server.Exec(t, "CREATE DATABASE "+database+" ENGINE = Memory")
		for _, run := range []func(context.Context) error{tables.Up, tables.Check} {
			if err := run(t.Context()); err == nil || !strings.Contains(err.Error(), "database "+database+" has the engine Memory: ") {
				t.Errorf("with %s: %v", database, err)
			}
		}
		if made, err := tables.names(t.Context(), "SELECT name FROM system.databases WHERE name LIKE 'parley%'"); err != nil || len(made) != 2 {
			t.Errorf("with %s there are %v (%v)", database, made, err)
		}
		server.Exec(t, "DROP DATABASE "+database)
	}
	up(t, tables)
	server.Exec(t, "DROP DATABASE parley_notes")
}

func TestAChangedFileIsAnError(t *testing.T) {
	tables := fresh(t)
	up(t, tables)
	enginetest.ClickHouse(t).Exec(t, "INSERT INTO parley_meta.migrations (name, checksum, applied_at) SELECT 'parley_1/projection/0002_contacts.sql', 'ab', now64(3) + 1")
	for _, run := range []func(context.Context) error{tables.Up, tables.Check} {
		if err := run(t.Context()); err == nil || !strings.Contains(err.Error(), "0002_contacts.sql") {
			t.Errorf("error is %v", err)
		}
	}
}

func TestAnotherCommentOrTypeRecreatesTheView(t *testing.T) {
	tables := fresh(t)
	up(t, tables)
	enginetest.ClickHouse(t).Exec(t, "ALTER TABLE parley_1.contacts COMMENT COLUMN ordinal 'it''s \\\\ another'")
	up(t, tables)
	if got := enginetest.ClickHouse(t).Exec(t, "SELECT comment FROM system.columns WHERE database = 'parley' AND table = 'contacts' AND name = 'ordinal' FORMAT RawBLOB"); got != `it's \ another` {
		t.Errorf("comment is %s", got)
	}
}

func TestASwapMakesAnotherVersionLive(t *testing.T) {
	tables := fresh(t)
	up(t, tables)
	if err := tables.Create(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	enginetest.ClickHouse(t).Exec(t, "INSERT INTO parley_2.quarantine (log, sequence, _version) SELECT 'rejected', 77, 1")
	read := func() string { return enginetest.ClickHouse(t).Exec(t, "SELECT sequence FROM parley.quarantine") }
	if got := read(); got != "" {
		t.Errorf("before the swap the view reads %s", got)
	}

	if err := tables.Swap(t.Context(), 2, 1); err == nil {
		t.Error("a version that is not offered becomes live")
	}
	if err := tables.Offer(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	// Cut off after the insert that makes it live: every reader gets the
	// new version, and the views follow.
	if err := New(&cutOff{Conn: tables.conn, left: 3}).Swap(t.Context(), 2, 1); !errors.Is(err, errCut) {
		t.Fatalf("the swap is not cut off: %v", err)
	}
	if live, err := tables.Live(t.Context()); live != 2 || err != nil {
		t.Errorf("live is %d (%v)", live, err)
	}
	up(t, tables)
	if got := read(); got != "77" {
		t.Errorf("after the swap the view reads %q", got)
	}

	// And back.
	if err := tables.Offer(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if err := tables.Swap(t.Context(), 1, 2); err != nil {
		t.Fatal(err)
	}
	if err := tables.Swap(t.Context(), 1, 2); err != nil {
		t.Errorf("a second time: %v", err)
	}
	if got := read(); got != "" {
		t.Errorf("after the swap back the view reads %s", got)
	}
	all, err := tables.Projections(t.Context())
	if err != nil || len(all) != 2 || all[0].State != Alive || all[1].State != Kept {
		t.Errorf("projections are %v (%v)", all, err)
	}
}

func TestOfConcurrentCommandsOneTakesTheTurn(t *testing.T) {
	tables := fresh(t)
	up(t, tables)
	for version := uint32(2); version <= 5; version++ {
		if err := tables.Create(t.Context(), version); err != nil {
			t.Fatal(err)
		}
	}
	var group sync.WaitGroup
	var made atomic.Int32
	for version := uint32(2); version <= 5; version++ {
		group.Go(func() {
			if tables.Offer(t.Context(), version) == nil && tables.Swap(t.Context(), version, 1) == nil {
				made.Add(1)
			}
		})
	}
	group.Wait()
	all, err := tables.Projections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	alive := 0
	for _, p := range all {
		if p.State == Alive {
			alive++
		}
	}
	if alive != 1 || made.Load() != 1 || all.Find(1).State != Kept {
		t.Errorf("%d are live, %d commands say so: %v", alive, made.Load(), all)
	}
	up(t, tables)
}

func TestATurnWhoseInsertWasInterruptedIsSkipped(t *testing.T) {
	tables := fresh(t)
	up(t, tables)
	if taken, err := tables.insert(t.Context(), 2, Projections{{Version: 2, State: Building}}); !taken || err != nil {
		t.Fatalf("taken: %t (%v)", taken, err)
	}
	enginetest.ClickHouse(t).Exec(t, "DELETE FROM parley_meta.turns WHERE turn = 2") // its token stays
	if err := tables.Create(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	all, err := tables.Projections(t.Context())
	if err != nil || len(all) != 2 || all.Find(3).Turn != 3 {
		t.Errorf("projections are %v (%v)", all, err)
	}
}

func TestADroppedVersionNeverReturns(t *testing.T) {
	tables := fresh(t)
	up(t, tables)
	if err := tables.Drop(t.Context(), 1); err == nil {
		t.Error("the live version can be dropped")
	}
	if err := tables.Create(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := tables.Drop(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
	}
	for name, err := range map[string]error{
		"made":          tables.Create(t.Context(), 2),
		"made live":     tables.Swap(t.Context(), 2, 1),
		"offered":       tables.Offer(t.Context(), 2),
		"dropped (9)":   tables.Drop(t.Context(), 9),
		"made live (9)": tables.Swap(t.Context(), 9, 1),
		"made (0)":      tables.Create(t.Context(), 0),
	} {
		if err == nil {
			t.Errorf("it can be %s", name)
		}
	}
	up(t, tables)
	if databases := enginetest.ClickHouse(t).Exec(t, "SELECT count() FROM system.databases WHERE name = '"+ddl.ProjectionDatabase(2)+"'"); databases != "0" {
		t.Error("its database is there")
	}
}

func TestLiveReportsThatThereIsNone(t *testing.T) {
	tables := fresh(t)
	up(t, tables)
	enginetest.ClickHouse(t).Exec(t, "TRUNCATE TABLE parley_meta.turns")
	if _, err := tables.Live(t.Context()); !errors.Is(err, ErrNoLive) {
		t.Errorf("error is %v", err)
	}
}

// TestTablesOfANewerBinaryAreLeftAlone marks the tables as a newer binary would,
// with a higher version or by a file of its own.
func TestTablesOfANewerBinaryAreLeftAlone(t *testing.T) {
	for name, mark := range map[string]string{
		"version":    fmt.Sprintf("'version', '%d'", ddl.Version+1),
		"projection": "'parley_1/projection/9999_later.sql', 'ab'",
		"meta":       "'meta/9999_later.sql', 'ab'",
	} {
		t.Run(name, func(t *testing.T) {
			tables := fresh(t)
			up(t, tables)
			server := enginetest.ClickHouse(t)
			server.Exec(t, "INSERT INTO parley_meta.migrations (name, checksum, applied_at) SELECT "+mark+", now64(3) + 1")
			server.Exec(t, "DROP VIEW parley.contacts SYNC")
			for what, err := range map[string]error{
				"Up":     tables.Up(t.Context()),
				"Check":  tables.Check(t.Context()),
				"Create": tables.Create(t.Context(), 2),
				"Swap":   tables.Swap(t.Context(), 1, 1),
				"Live":   func() error { _, err := tables.Live(t.Context()); return err }(),
			} {
				var newer *ddl.NewerError
				if !errors.As(err, &newer) || strings.Contains(err.Error(), "\n") ||
					!strings.Contains(err.Error(), fmt.Sprint(ddl.Version)) || !strings.Contains(err.Error(), "run the newer parley") {
					t.Errorf("%s: %v", what, err)
				}
			}
			if views := server.Exec(t, "SELECT count() FROM system.tables WHERE database = 'parley' AND name = 'contacts'"); views != "0" {
				t.Error("something was applied")
			}
		})
	}
}

func TestVersionIsMarkedBeforeTheTablesAreMade(t *testing.T) {
	tables := fresh(t)
	for cut := 3; ; cut++ {
		err := New(&cutOff{Conn: tables.conn, left: cut}).Up(t.Context())
		if err != nil && !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		made := enginetest.ClickHouse(t).Exec(t, "SELECT count() FROM system.tables WHERE database = 'parley_1'")
		marked := ""
		if made != "0" {
			marked = enginetest.ClickHouse(t).Exec(t, "SELECT checksum FROM parley_meta.migrations FINAL WHERE name = 'version'")
			if marked != fmt.Sprint(ddl.Version) {
				t.Fatalf("tables without their version: %q", marked)
			}
		}
		if err == nil {
			return
		}
	}
}
