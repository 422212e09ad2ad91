package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Lines f and g read tables with as many conversations as requested. A part of
// them is projected from events; the tables that are read hold copies of those
// rows, made inside ClickHouse, with ids of their own and moved back in time,
// so that all copies together fill a year. They are written the oldest first,
// as the rows of a year come in.
const projected = 20_000

// fills is the time that the copies are moved back over.
const fills = 350 * 24 * time.Hour

var (
	crowdFrom = corpusEnd.AddDate(-1, 0, 0)
	crowdTo   = corpusEnd.AddDate(0, 0, 1)
	monthFrom = time.Date(2025, time.January, 1, 0, 0, 0, 0, time.UTC)
	monthTo   = time.Date(2025, time.February, 1, 0, 0, 0, 0, time.UTC)
)

// copied are the tables that are copied, and what of their rows is another in a
// copy, beside the id of the conversation, which begins with other digits.
func copied() map[string]map[string]string {
	return map[string]map[string]string{
		"conversations": {
			"created_at": "base.created_at - shift", "closed_at": "base.closed_at - shift",
			"_first_contact_at": "base._first_contact_at - shift", "_last_contact_at": "base._last_contact_at - shift",
			"_began_at": "base._began_at - shift",
			"_marks": `arrayMap(m -> (m.event_id, m.at - shift, m.position, m.type, m.from_id, m.from_kind, m.from_name, m.from_email,
				m.to_id, m.to_kind, m.to_name, m.to_email, m.to_rule_id, m.to_rule_name, m.to_group_id, m.to_group_name, m.until - shift, m.reason), base._marks)`,
			"_routing": "arrayMap(r -> (r.at - shift, r.rule_id, r.rule_name, r.group_id, r.group_name), base._routing)",
		},
		"contacts": {
			"started_at": "base.started_at - shift", "ended_at": "base.ended_at - shift",
			"contact_id": "concat(other, substring(base.contact_id, 37))",
		},
		"messages":     {"sent_at": "base.sent_at - shift", "contact_id": "concat(other, substring(base.contact_id, 37))"},
		"transactions": {"received_at": "base.received_at - shift"},
		"visitors":     {},
	}
}

// crowd fills the tables of a version, which it empties first, with copies of the
// rows of another.
func (r *rig) crowd(ctx context.Context, base, version uint32, copies int) error {
	const atOnce = 5
	slot := int(fills.Seconds()) / copies // each copy is spread over one
	for table, changes := range copied() {
		if err := r.tables.Conn().Exec(ctx, fmt.Sprintf("TRUNCATE TABLE parley_%d.%s", version, table)); err != nil {
			return fmt.Errorf("empty %s: %w", table, err)
		}
		columns, err := r.columns(ctx, version, table)
		if err != nil {
			return err
		}
		selected := make([]string, len(columns))
		for i, column := range columns {
			selected[i] = "base." + column
			if column == "conversation_id" {
				selected[i] = "other"
			}
			if changed, found := changes[column]; found {
				selected[i] = changed
			}
		}
		for k := 0; k < copies; k += atOnce {
			statement := fmt.Sprintf(`INSERT INTO parley_%d.%s (%s)
				WITH concat(leftPad(lower(hex(toUInt32(cityHash64(base.conversation_id, n.number)))), 8, '0'), substring(base.conversation_id, 9)) AS other,
					toIntervalSecond(%d * (%d - 1 - n.number) + cityHash64(base.conversation_id, n.number, 'shift') %% %d) AS shift
				SELECT %s FROM parley_%d.%s AS base FINAL CROSS JOIN numbers(%d, %d) AS n`,
				version, table, strings.Join(columns, ", "), slot, copies, slot,
				strings.Join(selected, ", "), base, table, k, min(atOnce, copies-k))
			if err := r.tables.Conn().Exec(ctx, statement); err != nil {
				return fmt.Errorf("copy %s: %w", table, err)
			}
		}
	}
	// A request waits for rows beyond the position to be complete.
	if err := r.tables.Conn().Exec(ctx, fmt.Sprintf("INSERT INTO parley_%d.positions SELECT * FROM parley_%d.positions FINAL", version, base)); err != nil {
		return fmt.Errorf("copy positions: %w", err)
	}
	return r.settle(ctx)
}

// columns are those of a table that are not computed from others.
func (r *rig) columns(ctx context.Context, version uint32, table string) ([]string, error) {
	var columns []string
	row := r.tables.Conn().QueryRow(ctx, fmt.Sprintf("SELECT groupArray(name) FROM system.columns WHERE database = 'parley_%d' AND table = '%s' AND default_kind = ''", version, table))
	err := row.Scan(&columns)
	return columns, err
}

// settle waits, for a bounded time, until ClickHouse has no merges left.
func (r *rig) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	ticks := time.NewTicker(200 * time.Millisecond)
	defer ticks.Stop()
	for quiet := 0; quiet < 5; {
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
		var merges uint64
		if err := r.tables.Conn().QueryRow(ctx, "SELECT count() FROM system.merges").Scan(&merges); err != nil {
			return err
		}
		quiet++
		if merges > 0 {
			quiet = 0
		}
	}
	return nil
}
