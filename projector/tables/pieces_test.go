package tables

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
)

// counted counts the copies that are sent, and fails one of them.
type counted struct {
	driver.Conn
	copies, fail int
}

func (c *counted) Exec(ctx context.Context, query string, args ...any) error {
	if strings.HasPrefix(query, "INSERT INTO parley_1.") {
		if c.copies++; c.copies == c.fail {
			return errCut
		}
	}
	return c.Conn.Exec(ctx, query, args...)
}

// TestCopiesRunInPiecesAndContinue repeats the file that fills contacts, of which there
// are enough for two pieces.
func TestCopiesRunInPiecesAndContinue(t *testing.T) {
	const conversations, each = 70_000, 3
	tables := fresh(t)
	up(t, tables)
	server := enginetest.ClickHouse(t)
	server.Exec(t, fmt.Sprintf(`INSERT INTO parley_1.conversations (project_id, conversation_id, created_at, language, campaign_id, campaign_name, _version)
		SELECT 1, leftPad(toString(number), 36, '0'), now64(3), 'de', toString(number), 'campaign', 1 FROM numbers(%d)`, conversations))
	server.Exec(t, fmt.Sprintf(`INSERT INTO parley_1.contacts (project_id, conversation_id, contact_id, started_at, _version)
		SELECT 1, leftPad(toString(intDiv(number, %[2]d)), 36, '0'), toString(number), now64(3), 1 FROM numbers(%[1]d)`, conversations*each, each))
	const file = "parley_1/projection/0012_fill_contacts_of_conversations.sql"
	server.Exec(t, "DELETE FROM parley_meta.migrations WHERE name = '"+file+"'")

	var seen []MigrationProgress
	conn := &counted{Conn: tables.conn, fail: 2}
	small := New(conn)
	small.Report = func(p MigrationProgress) {
		if p.Step == file {
			seen = append(seen, p)
		}
	}
	if err := small.Up(t.Context()); !errors.Is(err, errCut) {
		t.Fatalf("it is not interrupted: %v", err)
	}
	before := seen[len(seen)-1].Done
	conn.fail, seen = 0, nil
	if err := small.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if conn.copies != 3 {
		t.Errorf("%d copies", conn.copies)
	}
	if len(seen) < 2 || before != 0.5 || seen[1].Done != before {
		t.Errorf("interrupted at %v, then %v", before, seen)
	}
	if got := server.Exec(t, "SELECT count(), countIf(_language = 'de' AND _campaign_id = toString(toUInt64(conversation_id))) FROM parley_1.contacts FINAL"); got != fmt.Sprintf("%[1]d\t%[1]d", conversations*each) {
		t.Errorf("contacts and filled ones: %s", got)
	}
	if err := tables.CheckLive(t.Context(), 1); err != nil {
		t.Error(err)
	}
	server.Exec(t, "DELETE FROM parley_meta.migrations WHERE name = '"+file+"'")
	if err := tables.CheckLive(t.Context(), 1); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("with a file missing: %v", err)
	}
	up(t, tables)
}
