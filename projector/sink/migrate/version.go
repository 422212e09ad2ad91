package migrate

import (
	"context"
	"strconv"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	tables "github.com/parley-analytics/parley/schema/clickhouse"
)

// pendingVersion gives the mark that the tables lack. It comes before everything
// of the version, so that an older binary leaves alone what is half applied.
func pendingVersion(applied map[string]string) ([]step, error) {
	found, err := tables.Marked(applied)
	if err != nil || found == tables.Version {
		return nil, err
	}
	return []step{{name: tables.VersionName, noted: true, sum: strconv.Itoa(tables.Version)}}, nil
}

// guard is an error where the tables belong to a newer binary.
func guard(ctx context.Context, conn driver.Conn) error {
	applied, err := readApplied(ctx, conn)
	if err == nil {
		_, err = tables.Marked(applied)
	}
	return err
}
