package tables

import (
	"fmt"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	ddl "github.com/parley-analytics/parley/schema/clickhouse"
)

// filesOf makes the tables of projection 77 as they were after so many files, and returns the files that follow.
func filesOf(t *testing.T, applied int) (*enginetest.ClickHouseServer, []ddl.File) {
	t.Helper()
	server := enginetest.ClickHouse(t)
	fresh(t)
	server.Exec(t, "CREATE DATABASE parley_77 ENGINE = Atomic")
	files := ddl.Projection(77)
	for _, f := range files[:applied] {
		server.Exec(t, f.Statement)
	}
	return server, files[applied:]
}

// TestConversationsMoveToASortKeyThatStays brings tables of version 9 up to date. They hold a
// conversation whose key moved, one of which a stale row was left at another key, and one that has
// no event in the archive.
func TestConversationsMoveToASortKeyThatStays(t *testing.T) {
	server, rest := filesOf(t, 31)
	server.Exec(t, `INSERT INTO parley_77.conversations
		(project_id, conversation_id, created_at, closed_at, tag_ids, first_sequence, last_sequence, _closed_key, _version, _deleted) VALUES
		(1, 'moved', 5, NULL, ['a'], 2, 3, 0, 3, 0), (1, 'moved', 5, 9, ['a', 'b'], 2, 4, 9, 4, 0), (1, 'moved', 0, NULL, [], 0, 0, 0, 4, 1),
		(1, 'stale', 1, NULL, ['c'], 1, 5, 0, 5, 0), (1, 'stale', 1, 7, ['c', 'd'], 1, 6, 7, 6, 0),
		(2, 'alone', 8, NULL, [], 7, 7, 0, 7, 0)`)
	server.Exec(t, `INSERT INTO parley_77.events (project_id, conversation_id, event_id, time, sequence) VALUES
		(1, 'moved', 'b', 6, 2), (1, 'moved', 'c', 5, 3), (1, 'moved', 'd', 9, 4), (1, 'stale', 'a', 1, 1), (2, 'stale', 'e', 3, 9)`)
	for _, f := range rest {
		for range 1 + strings.Count(f.Name, "_fill_") { // as after a crash
			server.Exec(t, f.Statement)
		}
	}
	got := server.Exec(t, `SELECT project_id, conversation_id, toUnixTimestamp64Milli(created_at), toUnixTimestamp64Milli(closed_at), tag_ids, tag_count, last_sequence, _version,
		toUnixTimestamp64Milli(_began_at) FROM parley_77.conversations FINAL ORDER BY project_id, conversation_id`)
	want := "1\tmoved\t5\t9\t['a','b']\t2\t4\t4\t6\n1\tstale\t1\t7\t['c','d']\t2\t6\t6\t1\n2\talone\t8\t\\N\t[]\t0\t7\t7\t8"
	if got != want {
		t.Errorf("conversations are\n%s\nwant\n%s", got, want)
	}
	if left := server.Exec(t, "SELECT groupArray((name, total_rows)) FROM system.tables WHERE database = 'parley_77' AND startsWith(name, 'conversations_')"); left != "[('conversations_by_closing',0)]" {
		t.Errorf("left are %s", left)
	}
}

// TestMessagesAndTransactionsMoveBesideTheirConversations brings tables of version 13 up to date.
func TestMessagesAndTransactionsMoveBesideTheirConversations(t *testing.T) {
	server, rest := filesOf(t, 44)
	server.Exec(t, "INSERT INTO parley_77.conversations (project_id, conversation_id, _began_at, _version) VALUES (1, 'a', 5, 3), (2, 'a', 6, 4), (1, 'b', 7, 5)")
	server.Exec(t, `INSERT INTO parley_77.messages (project_id, conversation_id, message_id, sent_at, read_at, _position, _version) VALUES
		(1, 'a', 'm', 8, NULL, 1, 1), (1, 'a', 'm', 8, 9, 1, 3), (1, 'a', 'n', 9, NULL, 2, 2), (2, 'a', 'm', 8, NULL, 1, 4), (1, 'b', 'm', 1, NULL, 1, 5)`)
	server.Exec(t, `INSERT INTO parley_77.transactions (project_id, conversation_id, transaction_id, amount, received_at, _version) VALUES
		(1, 'a', 't', 1.5, 8, 1), (1, 'a', 't', 2.5, 9, 3), (2, 'a', 't', 3.5, 8, 4)`)
	server.Exec(t, `INSERT INTO parley_77.events (project_id, conversation_id, event_id, source, type, time, sequence, received_at, original) VALUES
		(1, 'a', 'x', 's', 'y', 5, 3, 6, '{}'), (2, 'a', 'x', 's', 'z', 4, 4, 7, '{}')`)
	for _, f := range rest {
		for range 1 + strings.Count(f.Name, "_fill_") { // as after a crash
			server.Exec(t, f.Statement)
		}
	}
	for statement, want := range map[string]string{
		"SELECT project_id, conversation_id, message_id, toUnixTimestamp64Milli(sent_at), toUnixTimestamp64Milli(read_at), _position, _version, toUnixTimestamp64Milli(_began_at) FROM parley_77.messages FINAL ORDER BY ALL": "1\ta\tm\t8\t9\t1\t3\t5\n1\ta\tn\t9\t\\N\t2\t2\t5\n1\tb\tm\t1\t\\N\t1\t5\t7\n2\ta\tm\t8\t\\N\t1\t4\t6",
		"SELECT project_id, conversation_id, event_id, source, type, toUnixTimestamp64Milli(time), sequence, toUnixTimestamp64Milli(received_at) FROM parley_77.events_by_time FINAL ORDER BY sequence":                       "1\ta\tx\ts\ty\t5\t3\t6\n2\ta\tx\ts\tz\t4\t4\t7",
		"SELECT project_id, conversation_id, amount, toUnixTimestamp64Milli(received_at), _version, toUnixTimestamp64Milli(_began_at) FROM parley_77.transactions FINAL ORDER BY ALL":                                         "1\ta\t2.5\t9\t3\t5\n2\ta\t3.5\t8\t4\t6",
		"SELECT arraySort(groupArray((name, total_rows))) FROM system.tables WHERE database = 'parley_77' AND (startsWith(name, 'messages_') OR startsWith(name, 'transactions_'))":                                           "[('messages_by_conversation',0),('transactions_by_conversation',0)]",
	} {
		if got := server.Exec(t, statement); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", statement, got, want)
		}
	}
}

// TestARenameIsNotRepeatedAfterAnotherProcess applies the files that rename conversations once more,
// as a process would that had read what is missing before another one applied it.
func TestARenameIsNotRepeatedAfterAnotherProcess(t *testing.T) {
	server := enginetest.ClickHouse(t)
	tables := fresh(t)
	up(t, tables)
	server.Exec(t, "INSERT INTO parley_1.conversations (project_id, conversation_id) VALUES (1, 'a')")
	late, err := unapplied(nil, "parley_1/", ddl.Projection(1)[31:])
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range late {
		s.version = 1
		if err := tables.apply(t.Context(), s, MigrationProgress{}); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
	}
	if got := server.Exec(t, "SELECT conversation_id FROM parley_1.conversations"); got != "a" {
		t.Errorf("conversations are %q", got)
	}
	up(t, tables)
}

// TestAnswerTimesAreFilledFromTheArchive brings rows of version 10 up to date.
func TestAnswerTimesAreFilledFromTheArchive(t *testing.T) {
	server, rest := filesOf(t, 37)
	const closed, pushed = "parley.conversation.closed.v1", "parley.conversation.pushed.v1"
	mark := func(kind string, at int) string {
		return fmt.Sprintf("('e', %d, 0, '%s', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)", at, kind)
	}
	server.Exec(t, "INSERT INTO parley_77.conversations (project_id, conversation_id, closed_at, customer_satisfaction, _version, _marks) VALUES (1, 'a', 9, 4, 5, ["+
		mark(pushed, 1)+", "+mark(closed, 3)+", "+mark(pushed, 4)+", "+mark(closed, 9)+"]), (1, 'b', NULL, NULL, 6, ["+mark(pushed, 1)+"]), (2, 'a', NULL, NULL, 7, [])")
	server.Exec(t, `INSERT INTO parley_77.events (project_id, conversation_id, event_id, type, time, sequence) VALUES
		(1, 'a', 'x', 'parley.satisfaction.answered.v1', 7, 1), (1, 'a', 'y', 'parley.satisfaction.answered.v1', 6, 2), (1, 'a', 'z', 'parley.message.sent.v1', 8, 3)`)
	for _, f := range rest {
		for range 1 + strings.Count(f.Name, "_fill_") { // as after a crash
			server.Exec(t, f.Statement)
		}
	}
	for _, state := range []string{"as inserted", "merged"} {
		got := server.Exec(t, `SELECT project_id, conversation_id, toUnixTimestamp64Milli(first_closed_at), toUnixTimestamp64Milli(satisfaction_answered_at), customer_satisfaction, length(_marks), _version
			FROM parley_77.conversations FINAL ORDER BY project_id, conversation_id`)
		if want := "1\ta\t3\t7\t4\t4\t5\n1\tb\t\\N\t\\N\t\\N\t1\t6\n2\ta\t\\N\t\\N\t\\N\t0\t7"; got != want {
			t.Errorf("%s, conversations are\n%s\nwant\n%s", state, got, want)
		}
		server.Exec(t, "OPTIMIZE TABLE parley_77.conversations FINAL")
	}
}

// TestCustomersMoveToWeeks brings tables of version 17 up to date. One customer has moved to an earlier creation.
func TestCustomersMoveToWeeks(t *testing.T) {
	server, rest := filesOf(t, 70)
	server.Exec(t, `INSERT INTO parley_77.customers (project_id, customer_id, created_at, email, custom_data, last_sequence, _version, _deleted) VALUES
		(1, 'moved', 9, 'a@example.com', map('k', '1'), 3, 3, 0), (1, 'moved', 5, 'b@example.com', map('k', '2'), 4, 4, 0), (1, 'moved', 9, NULL, map(), 3, 4, 1),
		(2, 'moved', 7, NULL, map(), 5, 5, 0)`)
	for _, f := range rest {
		for range 1 + strings.Count(f.Name, "_fill_") { // as after a crash
			server.Exec(t, f.Statement)
		}
	}
	got := server.Exec(t, `SELECT project_id, customer_id, toUnixTimestamp64Milli(created_at), email, custom_data, last_sequence, _version
		FROM parley_77.customers FINAL ORDER BY project_id`)
	if want := "1\tmoved\t5\tb@example.com\t{'k':'2'}\t4\t4\n2\tmoved\t7\t\\N\t{}\t5\t5"; got != want {
		t.Errorf("customers are\n%s\nwant\n%s", got, want)
	}
	if left := server.Exec(t, "SELECT groupArray((name, total_rows)) FROM system.tables WHERE database = 'parley_77' AND startsWith(name, 'customers_')"); left != "[('customers_by_creation',0)]" {
		t.Errorf("left are %s", left)
	}
}
