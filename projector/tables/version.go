package tables

import (
	"context"
	"strconv"

	ddl "github.com/parley-analytics/parley/schema/clickhouse"
)

// pendingVersion returns the mark that the tables lack. It comes before everything
// of the version, so that an older binary leaves alone what is half applied.
func pendingVersion(applied map[string]string) ([]step, error) {
	found, err := ddl.Marked(applied)
	if err != nil || found == ddl.Version {
		return nil, err
	}
	return []step{{name: ddl.VersionName, noted: true, sum: strconv.Itoa(ddl.Version)}}, nil
}

// guard returns an error if the tables belong to a newer binary.
func (t *Tables) guard(ctx context.Context) error {
	applied, err := t.applied(ctx)
	if err == nil {
		_, err = ddl.Marked(applied)
	}
	return err
}
