package tables

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/parley-analytics/parley/schema"
)

// owned are the parameters that name owners of rows.
func owned(owners []Owner, more ...any) []any {
	first, second := make([]string, len(owners)), make([]string, len(owners))
	for i, o := range owners {
		first[i], second[i] = o[0], o[1]
	}
	return append(more, clickhouse.Named("first", first), clickhouse.Named("second", second))
}

// repair runs statements over two versions.
func (t *Tables) repair(ctx context.Context, table string, from, to uint32, parameters []any, statements ...string) error {
	for _, statement := range statements {
		if err := t.conn.Exec(ctx, between(statement, from, to), parameters...); err != nil {
			return fmt.Errorf("repair %s: %w", table, err)
		}
	}
	return nil
}

// Rewrite deletes the rows of some owners from a version and copies those of another one. A row
// that is written meanwhile may be deleted with them.
func (t *Tables) Rewrite(ctx context.Context, table Table, from, to uint32, owners []Owner) error {
	return t.repair(ctx, table.Name, from, to, owned(owners), table.in(repairDeleteSQL), table.in(repairInsertSQL))
}

// RepairArchive makes the events of some conversations, up to a sequence, and their keys, those of
// another version. An event that both have is never missing.
func (t *Tables) RepairArchive(ctx context.Context, from, to uint32, upTo schema.Sequence, owners []Owner) error {
	const values = "conversation_id, event_id, source, type, time, received_at"
	events := strings.NewReplacer("$table", "events", "$values", values+", original")
	byTime := strings.NewReplacer("$table", "events_by_time", "$values", values)
	return t.repair(ctx, "events", from, to, owned(owners, clickhouse.Named("upTo", uint64(upTo))),
		events.Replace(repairEventsSQL), byTime.Replace(repairEventsSQL), repairKeysSQL, repairKeysDeleteSQL,
		byTime.Replace(repairEventsDeleteSQL), events.Replace(repairEventsDeleteSQL))
}

// RepairCustomers makes rows of customers, up to a sequence, those of another version. Rows written
// since then stay.
func (t *Tables) RepairCustomers(ctx context.Context, from, to uint32, upTo schema.Sequence, owners []Owner) error {
	return t.repair(ctx, "customers", from, to, owned(owners, clickhouse.Named("upTo", uint64(upTo))), repairCustomersSQL)
}

// AskToRewrite asks the projector of a version to make the rows of conversations again, by entries
// of quarantine that name a log.
func (t *Tables) AskToRewrite(ctx context.Context, version uint32, log string, conversations []Owner) error {
	err := t.conn.Exec(ctx, of(rewriteAskSQL, version), owned(conversations,
		clickhouse.Named("log", log), clickhouse.Named("reason", string(schema.CodeDiffers)))...)
	if err != nil {
		return fmt.Errorf("ask for the rows of %d conversations: %w", len(conversations), err)
	}
	return nil
}

// ToRewrite counts the conversations that the projector of a version was asked for and has not made
// again yet.
func (t *Tables) ToRewrite(ctx context.Context, version uint32, log string) (count uint64, err error) {
	err = t.conn.QueryRow(ctx, of(rewriteLeftSQL, version),
		clickhouse.Named("log", log), clickhouse.Named("reason", string(schema.CodeDiffers))).Scan(&count)
	return count, err
}
