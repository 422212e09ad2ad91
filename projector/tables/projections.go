package tables

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// Projections lists all versions there have been, ascending. Everything that
// reads or writes tables begins here, so it is an error where they belong to a
// newer binary.
func (t *Tables) Projections(ctx context.Context) (Projections, error) {
	if err := t.guard(ctx); err != nil {
		return nil, err
	}
	return t.projections(ctx)
}

func (t *Tables) projections(ctx context.Context) (Projections, error) {
	rows, err := t.conn.Query(ctx, projectionsSQL)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list Projections
	for rows.Next() {
		var p Projection
		var state string
		if err := rows.Scan(&p.Version, &state, &p.Turn, &p.Maker, &p.Reason, &p.WasLive); err != nil {
			return nil, err
		}
		p.State = State(state)
		list = append(list, p)
	}
	return list, rows.Err()
}

// Live returns the version that is read and written now.
func (t *Tables) Live(ctx context.Context) (uint32, error) {
	all, err := t.Projections(ctx)
	if err != nil {
		return 0, fmt.Errorf("live projection: %w", err)
	}
	return all.Live()
}

// Create makes the empty tables of a version, in state building. One that is
// there already stays as it is, its missing tables are made; one that was dropped
// is an error.
func (t *Tables) Create(ctx context.Context, version uint32) error {
	err := t.take(ctx, func(all Projections) (Projections, error) { return all.create(version) })
	if err == nil {
		err = t.Up(ctx)
	}
	return about("create", version, err)
}

// Begin makes the empty tables of a new version, in state building. One that is
// being built by the same maker is continued; one of another maker is dropped.
func (t *Tables) Begin(ctx context.Context, maker string) (version uint32, err error) {
	err = t.take(ctx, func(all Projections) (changes Projections, err error) {
		version, changes = all.begin(maker)
		return changes, nil
	})
	if err == nil {
		err = t.Up(ctx)
	}
	if err != nil {
		return 0, fmt.Errorf("build a projection: %w", err)
	}
	return version, nil
}

// Offer asks the running projector to make a version live, see projector/lead.
// It may be repeated; a version that is live already stays so.
func (t *Tables) Offer(ctx context.Context, version uint32) error {
	return about("offer", version, t.take(ctx, func(all Projections) (Projections, error) { return all.offer(version) }))
}

// Withdraw cancels an offer and records the reason, which the command that made the
// offer reports. The version returns to its previous state. It may be repeated; a
// version that is not offered stays as it is.
func (t *Tables) Withdraw(ctx context.Context, version uint32, reason string) error {
	return about("withdraw", version, t.take(ctx, func(all Projections) (Projections, error) { return all.withdraw(version, reason) }))
}

// Swap makes a version live in the place of another, which is kept. It is an
// error where that one is not live; it may be repeated.
func (t *Tables) Swap(ctx context.Context, version, from uint32) error {
	err := t.take(ctx, func(all Projections) (Projections, error) { return all.swap(version, from) })
	if err == nil {
		err = t.Up(ctx)
	}
	return about("swap", version, err)
}

// Drop removes the tables of a version that is neither live nor offered. It may
// be repeated.
func (t *Tables) Drop(ctx context.Context, version uint32) error {
	err := t.take(ctx, func(all Projections) (Projections, error) { return all.drop(version) })
	if err == nil {
		err = t.Up(ctx)
	}
	return about("drop", version, err)
}

// DropAllBut removes the tables of every version but some, of which one must be
// live. It may be repeated.
func (t *Tables) DropAllBut(ctx context.Context, versions ...uint32) error {
	err := t.take(ctx, func(all Projections) (Projections, error) { return all.dropAllBut(versions...) })
	if err == nil {
		err = t.Up(ctx)
	}
	if err != nil {
		return fmt.Errorf("drop projections: %w", err)
	}
	return nil
}

func about(what string, version uint32, err error) error {
	if err != nil {
		return fmt.Errorf("%s projection %d: %w", what, version, err)
	}
	return nil
}

// take makes one turn: what decide changes of the projections as they are, or
// again of those that another process has made of them meanwhile.
func (t *Tables) take(ctx context.Context, decide func(Projections) (Projections, error)) error {
	for tried := uint64(0); ; {
		all, err := t.Projections(ctx)
		if err != nil {
			return err
		}
		changes, err := decide(all)
		if err != nil || len(changes) == 0 {
			return err
		}
		// A turn that was tried but not made: a crash interrupted its insert.
		tried = max(all.turn(), tried) + 1
		if taken, err := t.insert(ctx, tried, changes); err != nil || taken {
			return err
		}
	}
}

// insert writes the changes of a turn if nobody has taken it. The turn is the
// token by which ClickHouse drops every insert but the first.
func (t *Tables) insert(ctx context.Context, turn uint64, changes Projections) (taken bool, err error) {
	author := rand.Text()
	var versions []uint32
	var states, makers, reasons []string
	for _, p := range changes {
		versions, states = append(versions, p.Version), append(states, string(p.State))
		makers, reasons = append(makers, p.Maker), append(reasons, p.Reason)
	}
	once := clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
		"insert_deduplicate": 1, "insert_deduplication_token": strconv.FormatUint(turn, 10), "async_insert": 0,
	}))
	err = t.conn.Exec(once, takeTurnSQL,
		clickhouse.Named("turn", turn), clickhouse.Named("author", author), clickhouse.Named("versions", versions),
		clickhouse.Named("states", states), clickhouse.Named("makers", makers), clickhouse.Named("reasons", reasons))
	if err != nil {
		return false, err
	}
	err = t.conn.QueryRow(ctx, turnTakenSQL, clickhouse.Named("turn", turn), clickhouse.Named("author", author)).Scan(&taken)
	return taken, err
}
