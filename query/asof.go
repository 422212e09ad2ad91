package query

import (
	"context"
	"time"

	"github.com/parley-analytics/parley/schema"
)

// beginAt begins as [API.begin] does, to read the rows as of what the argument asOf names.
func (a *API) beginAt(ctx context.Context, asOf *input) (reading, error) {
	r, err := a.begin(ctx)
	if err != nil {
		return reading{request: r}, err
	}
	return a.at(ctx, r, asOf, selectedFields(ctx).has("position"))
}

// at reads the rows as of what the argument asOf names: now, without one. What is known of the present position may be a second
// old, and the rows newer; an answer that tells its position has to be the one as of it, too.
func (a *API) at(ctx context.Context, r *request, asOf *input, told bool) (reading, error) {
	if asOf == nil || asOf.value == nil {
		now := r.now()
		if !told {
			return now, nil
		}
		var err error
		now.present, err = a.store.Position(ctx, r.live.Projection)
		return now, err
	}
	at, err := a.positionOf(ctx, r, "asOf", *asOf)
	return r.at(at), err
}

// positionOf reads a position of an earlier answer, or the last one that the log had at a time.
func (a *API) positionOf(ctx context.Context, r *request, field string, given input) (schema.Sequence, error) {
	text, err := given.text(field)
	if err != nil {
		return 0, err
	}
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return a.positionAt(ctx, r, field, at)
	}
	position, err := parsePosition(field, text)
	if err != nil {
		return 0, badInput(field, "must be a position from an earlier response, or a time such as 2026-03-01T00:00:00Z")
	}
	if position > r.live.Position {
		// What is known of the projection may be older than the answer that the position is from.
		now, err := a.store.Position(ctx, r.live.Projection)
		if err != nil {
			return 0, err
		}
		if position > now {
			return 0, badInput(field, "must not be above the present position: this one is of another log, or of one that was restored from an older backup")
		}
	}
	return position, nil
}

func (a *API) positionAt(ctx context.Context, r *request, field string, at time.Time) (schema.Sequence, error) {
	if at.After(time.Now()) {
		return 0, badInput(field, "must not be in the future")
	}
	moment := min(max(schema.TimestampOf(at), firstMoment), lastMoment)
	now, err := a.store.Position(ctx, r.live.Projection)
	if err != nil {
		return 0, err
	}
	position, err := a.store.PositionAt(ctx, r.live.Projection, moment)
	return min(position, now), err
}
