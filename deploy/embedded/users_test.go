package embedded_test

import (
	"strings"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
)

func TestWriterDoesAllItsWork(t *testing.T) {
	s := enginetest.ClickHouse(t)
	d := enginetest.Database(t)
	s.Exec(t, "CREATE DATABASE IF NOT EXISTS parley ENGINE = Atomic")
	for _, statement := range []string{
		"CREATE TABLE D.t (a UInt64, v UInt64, gone UInt8) ENGINE = ReplacingMergeTree(v, gone) ORDER BY a SETTINGS fsync_after_insert = 1, fsync_part_directory = 1",
		"CREATE TABLE D.next AS D.t", "INSERT INTO D.t SELECT number, 1, 0 FROM numbers(100)", "INSERT INTO D.t VALUES (1, 2, 1)",
		"SELECT count() FROM D.t FINAL", "EXCHANGE TABLES D.t AND D.next", "EXCHANGE TABLES D.t AND D.next", "RENAME TABLE D.next TO D.other",
		"CREATE VIEW D.v DEFINER = CURRENT_USER SQL SECURITY DEFINER AS SELECT * FROM D.t FINAL",
		"CREATE OR REPLACE VIEW D.v DEFINER = parley_writer SQL SECURITY DEFINER COMMENT 'c' AS SELECT a FROM D.t FINAL",
		"CREATE MATERIALIZED VIEW D.m REFRESH EVERY 1 DAY ENGINE = MergeTree ORDER BY a AS SELECT a FROM D.t", "SYSTEM REFRESH VIEW D.m",
		"ALTER TABLE D.t ADD COLUMN IF NOT EXISTS b String COMMENT 'x'", "ALTER TABLE D.t MODIFY COMMENT 'y'", "ALTER TABLE D.t ADD INDEX i v TYPE minmax",
		"ALTER TABLE D.t DELETE WHERE a = 5 SETTINGS mutations_sync = 1", "ALTER TABLE D.t UPDATE b = 'z' WHERE a = 6 SETTINGS mutations_sync = 1",
		"DELETE FROM D.t WHERE a = 7", "OPTIMIZE TABLE D.t FINAL", "TRUNCATE TABLE D.other", "ALTER TABLE D.other ATTACH PARTITION tuple() FROM D.other2",
		"BACKUP DATABASE D TO File('TEST')", "RESTORE TABLE D.t AS D.back FROM File('TEST')", "BACKUP TABLE D.t TO File('TEST.tar')", "SYSTEM STOP MERGES D.t", "SYSTEM START MERGES D.t", "SYSTEM FLUSH LOGS", "SYSTEM DROP MARK CACHE",
		"SELECT count() FROM system.parts", "SELECT count() FROM system.merges", "SELECT count() FROM system.mutations", "SELECT count() FROM system.processes",
		"SELECT count() FROM system.errors", "SELECT count() FROM system.disks",
		"SELECT count() FROM system.view_refreshes", "SELECT value FROM system.server_settings LIMIT 1", "KILL QUERY WHERE query_id = 'none'",
		"KILL MUTATION WHERE database = 'D'", "CREATE TEMPORARY TABLE x (a Int8)", "SHOW CREATE TABLE D.t", "DETACH TABLE D.other", "ATTACH TABLE D.other",
		"CREATE DATABASE D_x ENGINE = Atomic", "DROP DATABASE D_x SYNC", "DROP TABLE D.other SYNC", "DROP VIEW D.m SYNC",
	} {
		if strings.Contains(statement, "other2") {
			s.Exec(t, "CREATE TABLE "+d+".other2 AS "+d+".other")
		}
		statement = strings.NewReplacer("D.", d+".", "DATABASE D", "DATABASE "+d, "'D'", "'"+d+"'", "TEST", d).Replace(statement)
		s.Exec(t, statement)
	}
}

func TestWriterReachesNothingElse(t *testing.T) {
	s := enginetest.ClickHouse(t)
	for _, statement := range []string{
		"CREATE DATABASE other", "CREATE USER x", "CREATE FUNCTION f AS x -> x", "DROP FUNCTION file", "GRANT SELECT ON *.* TO parley_bi", "SYSTEM SHUTDOWN",
		"SYSTEM STOP LISTEN HTTP", "SELECT file('/etc/passwd')", "SELECT * FROM file('/etc/passwd', 'LineAsString', 'a String')",
		"SELECT * FROM url('http://127.0.0.1:1', 'CSV', 'a Int8')", "SELECT * FROM remote('127.0.0.1', 'system', 'one')", "CREATE NAMED COLLECTION x AS a = 1",
		"CREATE VIEW parley.stolen DEFINER = default SQL SECURITY DEFINER AS SELECT 1",
	} {
		if answer, err := s.Query(s.Writer, statement); err == nil {
			t.Errorf("%s is answered: %.200s", statement, answer)
		}
	}
}

func TestReaderReadsAndStopsItsOwnQueries(t *testing.T) {
	s := enginetest.ClickHouse(t)
	table := enginetest.Database(t) + ".t"
	s.Exec(t, "CREATE TABLE "+table+" ENGINE = MergeTree ORDER BY number AS SELECT number FROM numbers(10)")
	for _, statement := range []string{
		"SELECT count() FROM " + table, "SELECT count() FROM " + table + " SETTINGS max_execution_time = 100, max_threads = 1, max_memory_usage = 100000000, max_rows_to_read = 100",
		"KILL QUERY WHERE query_id = 'none'", "SELECT count() FROM system.processes", "SELECT * FROM system.columns LIMIT 1",
	} {
		if _, err := s.Query(s.Reader, statement); err != nil {
			t.Errorf("%s: %v", statement, err)
		}
	}
	for _, statement := range []string{
		"INSERT INTO " + table + " VALUES (1)", "DROP TABLE " + table, "SELECT * FROM system.users", "SELECT file('/etc/passwd')",
		"SELECT 1 SETTINGS max_execution_time = 0", "SELECT 1 SETTINGS max_memory_usage = 0", "SELECT * FROM url('http://127.0.0.1:1', 'CSV', 'a Int8')",
	} {
		if answer, err := s.Query(s.Reader, statement); err == nil {
			t.Errorf("%s is answered: %.200s", statement, answer)
		}
	}

	ended := make(chan error, 1)
	go func() {
		_, err := s.Query(s.Reader, "SELECT 'sleeper', sleepEachRow(1) FROM numbers(50) SETTINGS max_block_size = 1 FORMAT Null")
		ended <- err
	}()
	const own = "query LIKE 'SELECT \\'sleeper%'"
	eventually(t, "the query runs", func() bool {
		n, err := s.Query(s.Reader, "SELECT count() FROM system.processes WHERE "+own)
		return err == nil && n == "1"
	})
	if _, err := s.Query(s.Reader, "KILL QUERY WHERE "+own); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "QUERY_WAS_CANCELLED") {
		t.Errorf("the stopped query ends with %v", err)
	}
}
