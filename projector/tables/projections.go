package tables

import (
	"context"
	"errors"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// State is the state of a projection.
type State string

// The states of a projection.
const (
	Building State = "building" // being filled beside the live one
	Offered  State = "offered"  // complete; to be made live by the running projector
	Alive    State = "live"     // the one that is read
	Kept     State = "kept"     // was live; can be made live again
	Dropped  State = "dropped"  // has no tables any more
)

// Projection is one version and its state.
type Projection struct {
	Version uint32
	State   State
	rank    uint64 // _version of the row
}

// ErrNoLive means that no projection is live: the server was never brought up
// to date.
var ErrNoLive = errors.New("no projection is live")

// Projections lists all versions there have been, ascending. Everything that
// reads or writes tables begins here, so it is an error where they belong to a
// newer binary.
func (t *Tables) Projections(ctx context.Context) ([]Projection, error) {
	if err := t.guard(ctx); err != nil {
		return nil, err
	}
	return t.projections(ctx)
}

func (t *Tables) projections(ctx context.Context) ([]Projection, error) {
	rows, err := t.conn.Query(ctx, projectionsSQL)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Projection
	for rows.Next() {
		var p Projection
		var state string
		if err := rows.Scan(&p.Version, &state, &p.rank); err != nil {
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
	return liveOf(all)
}

// liveOf is the version that was made live last.
func liveOf(all []Projection) (uint32, error) {
	var live Projection
	for _, p := range all {
		if p.State == Alive && p.rank >= live.rank {
			live = p
		}
	}
	if live.Version == 0 {
		return 0, ErrNoLive
	}
	return live.Version, nil
}

// Create makes the empty tables of a version, in state building. A
// version that is there already stays as it is, its missing tables are made; one
// that was dropped is an error.
func (t *Tables) Create(ctx context.Context, version uint32) error {
	all, err := t.Projections(ctx)
	if err != nil {
		return fmt.Errorf("create projection: %w", err)
	}
	p, found := pick(all, version)
	switch {
	case version == 0 || p.State == Dropped:
		return fmt.Errorf("create projection: version %d cannot be used", version)
	case !found:
		if err := t.setStates(ctx, all, map[uint32]State{version: Building}); err != nil {
			return fmt.Errorf("create projection: %w", err)
		}
	}
	return t.Up(ctx)
}

// Swap makes a version live; the one that was is kept. It may be repeated.
func (t *Tables) Swap(ctx context.Context, version uint32) error {
	all, err := t.Projections(ctx)
	if err != nil {
		return fmt.Errorf("swap projection: %w", err)
	}
	if p, found := pick(all, version); !found || p.State == Dropped {
		return fmt.Errorf("swap projection: version %d does not exist", version)
	}
	live, err := liveOf(all)
	if err != nil && !errors.Is(err, ErrNoLive) {
		return fmt.Errorf("swap projection: %w", err)
	}
	if live != version {
		states := map[uint32]State{version: Alive}
		if live != 0 {
			states[live] = Kept
		}
		if err := t.setStates(ctx, all, states); err != nil {
			return fmt.Errorf("swap projection: %w", err)
		}
	}
	return t.Up(ctx)
}

// Offer asks the running projector to make a version live, see projector/lead.
// It may be repeated; a version that is live already stays so.
func (t *Tables) Offer(ctx context.Context, version uint32) error {
	return t.turn(ctx, version, Offered)
}

// Withdraw takes an offer back: the version is kept as it is. It may be
// repeated; a version that is live already stays so.
func (t *Tables) Withdraw(ctx context.Context, version uint32) error {
	return t.turn(ctx, version, Kept)
}

func (t *Tables) turn(ctx context.Context, version uint32, to State) error {
	all, err := t.Projections(ctx)
	if err != nil {
		return fmt.Errorf("projection %d to %s: %w", version, to, err)
	}
	switch p, found := pick(all, version); {
	case !found || p.State == Dropped:
		return fmt.Errorf("projection %d does not exist", version)
	case p.State == Alive || p.State == to:
		return nil
	}
	return t.setStates(ctx, all, map[uint32]State{version: to})
}

// Drop removes the tables of a version that is not live. It may be
// repeated.
func (t *Tables) Drop(ctx context.Context, version uint32) error {
	all, err := t.Projections(ctx)
	if err != nil {
		return fmt.Errorf("drop projection: %w", err)
	}
	p, found := pick(all, version)
	if !found || p.State == Alive {
		return fmt.Errorf("drop projection: version %d is live or does not exist", version)
	}
	// The state first: a version without tables must not be taken for one that lacks them.
	if p.State != Dropped {
		if err := t.setStates(ctx, all, map[uint32]State{version: Dropped}); err != nil {
			return fmt.Errorf("drop projection: %w", err)
		}
	}
	if err := t.conn.Exec(ctx, of(dropDatabaseSQL, version)); err != nil {
		return fmt.Errorf("drop projection: %w", err)
	}
	return nil
}

func pick(all []Projection, version uint32) (Projection, bool) {
	for _, p := range all {
		if p.Version == version {
			return p, true
		}
	}
	return Projection{}, false
}

// setStates writes new states in one insert, so that all of them hold or none.
func (t *Tables) setStates(ctx context.Context, all []Projection, states map[uint32]State) error {
	rank := uint64(1)
	for _, p := range all {
		rank = max(rank, p.rank+1)
	}
	versions, names := make([]uint32, 0, len(states)), make([]string, 0, len(states))
	for version, state := range states {
		versions, names = append(versions, version), append(names, string(state))
	}
	return t.conn.Exec(ctx, setStatesSQL,
		clickhouse.Named("versions", versions), clickhouse.Named("states", names), clickhouse.Named("rank", rank))
}
