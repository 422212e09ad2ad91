package replay

import "context"

// carry copies, from another version, the quarantine rows of entries that the stream of events has
// dropped: they are in no archive, so no rebuild can restore them.
func (r *Rebuild) carry(ctx context.Context, from, to uint32) error {
	if r.Begins == nil || from == to {
		return nil
	}
	first, err := r.Begins(ctx)
	if err != nil || first <= 1 {
		return err
	}
	return r.Tables.CarryQuarantine(ctx, from, to, first)
}

// carryFromLive copies them from the live version.
func (r *Rebuild) carryFromLive(ctx context.Context, to uint32) error {
	live, err := r.Tables.Live(ctx)
	if err != nil {
		return err
	}
	return r.carry(ctx, live, to)
}
