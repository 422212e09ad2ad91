package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/parley-analytics/parley/projector/tables"
)

// wayOn says, for each state in which a command may leave a version, what happens to it next.
var wayOn = map[tables.State]string{
	tables.Building: "half built, by a command that is running or was interrupted: `parley replay` completes or replaces it, `parley verify` drops it",
	tables.Offered:  "offered, by a command that is running or was interrupted: the projector makes it live as soon as it has caught up, `parley replay` replaces it",
	tables.Alive:    "live",
	tables.Kept:     "kept, `parley replay --undo` makes it live",
}

// versions lists the versions of the projection that have tables.
func versions(ctx context.Context, t *tables.Tables) (string, error) {
	all, err := t.Projections(ctx)
	if err != nil {
		return "", err
	}
	var list []string
	for _, p := range all {
		if p.State != tables.Dropped {
			list = append(list, fmt.Sprintf("%d is %s", p.Version, wayOn[p.State]))
		}
	}
	return strings.Join(list, "; "), nil
}
