package tables

import (
	"errors"
	"fmt"
	"slices"
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
	Maker   string // fold, tables and flags of its rows; empty for the first version
	Reason  string // why the state was set, where that is not plain
	WasLive bool   // it has been live at some time
	Turn    uint64 // in which the state was set
}

// Projections are all versions there have been, ascending. Its methods are the
// rules of the protocol: each returns the projections that change in one turn,
// none if all is as asked already, and changes nothing itself.
type Projections []Projection

// ErrNoLive means that no projection is live: the server was never brought up
// to date.
var ErrNoLive = errors.New("no projection is live")

// Live is the version that was made live last.
func (all Projections) Live() (uint32, error) {
	var live Projection
	for _, p := range all {
		if p.State == Alive && p.Turn >= live.Turn {
			live = p
		}
	}
	if live.Version == 0 {
		return 0, ErrNoLive
	}
	return live.Version, nil
}

// Offered is the version to be made live, 0 if there is none.
func (all Projections) Offered() uint32 {
	for _, p := range all {
		if p.State == Offered {
			return p.Version
		}
	}
	return 0
}

// Before is the version that was live before the live one, 0 if there is none: of those kept, the latest, or one that
// an undo has offered.
func (all Projections) Before() uint32 {
	var before Projection
	for _, p := range all {
		if (p.State == Kept || p.State == Offered && p.WasLive) && p.Turn >= before.Turn {
			before = p
		}
	}
	return before.Version
}

// Find returns one version; its state is empty if there is none of the number.
func (all Projections) Find(version uint32) Projection {
	for _, p := range all {
		if p.Version == version {
			return p
		}
	}
	return Projection{Version: version}
}

// turn is the latest one.
func (all Projections) turn() (latest uint64) {
	for _, p := range all {
		latest = max(latest, p.Turn)
	}
	return latest
}

// usable is an error for a version without tables.
func (all Projections) usable(version uint32) (Projection, error) {
	p := all.Find(version)
	if p.State == "" || p.State == Dropped {
		return p, fmt.Errorf("version %d does not exist or was dropped", version)
	}
	return p, nil
}

// create builds a version of a given number, unless it is there already.
func (all Projections) create(version uint32) (Projections, error) {
	p := all.Find(version)
	if version == 0 || p.State == Dropped {
		return nil, fmt.Errorf("version %d cannot be used", version)
	}
	if p.State != "" {
		return nil, nil
	}
	return Projections{p.to(Building, "")}, nil
}

// begin builds a version: the one that is being built, if by the same maker, or a
// new one. Others in building are dropped, as nobody can continue them.
func (all Projections) begin(maker string) (version uint32, changes Projections) {
	next := uint32(1)
	for _, p := range all {
		next = max(next, p.Version+1)
		switch {
		case p.State == Building && p.Maker == maker && version == 0:
			version = p.Version
		case p.State == Building:
			changes = append(changes, p.to(Dropped, "built by another maker: "+p.Maker))
		}
	}
	if version == 0 {
		version = next
		changes = append(changes, Projection{Version: version, State: Building, Maker: maker})
	}
	return version, changes
}

// offer asks the running projector to make a version live. An offer of another
// version ends.
func (all Projections) offer(version uint32) (Projections, error) {
	p, err := all.usable(version)
	if err != nil || p.State == Alive || p.State == Offered {
		return nil, err
	}
	changes := Projections{p.to(Offered, "")}
	if other := all.Offered(); other != 0 {
		changes = append(changes, all.Find(other).back(fmt.Sprintf("version %d was offered instead", version)))
	}
	return changes, nil
}

// withdraw ends an offer; a version that is not offered stays as it is.
func (all Projections) withdraw(version uint32, reason string) (Projections, error) {
	p := all.Find(version)
	if p.State != Offered {
		return nil, nil
	}
	return Projections{p.back(reason)}, nil
}

// swap makes an offered version live that is as far as another one, which must be live; that
// one is kept.
func (all Projections) swap(version, from uint32) (Projections, error) {
	p, err := all.usable(version)
	if err != nil || p.State == Alive {
		return nil, err
	}
	live, err := all.Live()
	if err != nil {
		return nil, err
	}
	if live != from {
		return nil, fmt.Errorf("version %d has become live, not version %d", live, from)
	}
	if p.State != Offered { // withdrawn meanwhile
		return nil, fmt.Errorf("version %d is %s: %s", version, p.State, p.Reason)
	}
	return Projections{p.to(Alive, ""), all.Find(from).to(Kept, "")}, nil
}

// drop gives up versions that are neither live nor offered.
func (all Projections) drop(version uint32) (Projections, error) {
	switch p := all.Find(version); p.State {
	case Dropped:
		return nil, nil
	case Building, Kept:
		return Projections{p.to(Dropped, "")}, nil
	case "":
		return nil, fmt.Errorf("version %d does not exist", version)
	default:
		return nil, fmt.Errorf("version %d is %s", version, p.State)
	}
}

// dropAllBut gives up every version except some, of which one must be live: offered
// ones too.
func (all Projections) dropAllBut(versions ...uint32) (Projections, error) {
	live, err := all.Live()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(versions, live) {
		return nil, fmt.Errorf("version %d is live", live)
	}
	var changes Projections
	for _, p := range all {
		if p.State != Dropped && !slices.Contains(versions, p.Version) {
			changes = append(changes, p.to(Dropped, fmt.Sprintf("version %d replaces it", live)))
		}
	}
	return changes, nil
}

func (p Projection) to(state State, reason string) Projection {
	p.State, p.Reason = state, reason
	return p
}

// back is the state before an offer.
func (p Projection) back(reason string) Projection {
	if p.WasLive {
		return p.to(Kept, reason)
	}
	return p.to(Building, reason)
}
