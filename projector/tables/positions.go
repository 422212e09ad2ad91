package tables

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/parley-analytics/parley/schema"
)

// Positions returns the stored position of each log in a version; a log of which
// none is stored is absent.
func (t *Tables) Positions(ctx context.Context, version uint32) (map[string]schema.Sequence, error) {
	rows, err := t.conn.Query(ctx, of(positionsSQL, version))
	if err != nil {
		return nil, fmt.Errorf("positions of version %d: %w", version, err)
	}
	defer rows.Close()
	found := map[string]schema.Sequence{}
	for rows.Next() {
		var log string
		var sequence uint64
		if err := rows.Scan(&log, &sequence); err != nil {
			return nil, fmt.Errorf("positions of version %d: %w", version, err)
		}
		found[log] = schema.Sequence(sequence)
	}
	return found, rows.Err()
}

// Reached reports whether the stored positions of a version are at most lag
// behind those of another, in every log, and the rows of none of its conversations are behind. An error counts as no.
func (t *Tables) Reached(ctx context.Context, version, other uint32, lag schema.Sequence) bool {
	own, err := t.Positions(ctx, version)
	if err != nil {
		return false
	}
	others, err := t.Positions(ctx, other)
	if err != nil {
		return false
	}
	for log, position := range others {
		if own[log]+lag < position {
			return false
		}
	}
	behind, err := t.Behind(ctx, version)
	return err == nil && behind == 0
}

// Behind counts the conversations of a version whose rows are being made from events below its position, or are to be.
func (t *Tables) Behind(ctx context.Context, version uint32) (count uint64, err error) {
	if err := t.conn.QueryRow(ctx, of(behindSQL, version)).Scan(&count); err != nil {
		return 0, fmt.Errorf("conversations of version %d that are behind: %w", version, err)
	}
	return count, nil
}

// AdoptLog makes the position of a log in a version one in the log of the identity, whatever entry is
// at it. A version without a position stays so.
func (t *Tables) AdoptLog(ctx context.Context, version uint32, log, identity string) error {
	err := t.conn.Exec(ctx, of(adoptLogSQL, version), clickhouse.Named("log", log), clickhouse.Named("identity", identity))
	if err != nil {
		return fmt.Errorf("adopt the %s log in version %d: %w", log, version, err)
	}
	return nil
}

// SetPosition stores the position of a log in a version. A position never goes
// back: one that is lower than the stored one changes nothing.
func (t *Tables) SetPosition(ctx context.Context, version uint32, log string, position schema.Sequence) error {
	err := t.conn.Exec(ctx, of(setPositionSQL, version), clickhouse.Named("log", log), clickhouse.Named("sequence", uint64(position)))
	if err != nil {
		return fmt.Errorf("set the position of %s in version %d: %w", log, version, err)
	}
	return nil
}
