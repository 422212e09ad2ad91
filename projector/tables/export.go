package tables

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/parley-analytics/parley/schema"
)

// Export is what is written out of the archive of a version.
type Export struct {
	Version  uint32
	Projects schema.Projects
	Until    schema.Sequence // the last one
}

func (e Export) projects() []uint32 {
	ids := make([]uint32, len(e.Projects.IDs))
	for i, id := range e.Projects.IDs {
		ids[i] = uint32(id)
	}
	return ids
}

func (e Export) parameters() []any {
	return []any{clickhouse.Named("until", uint64(e.Until)), clickhouse.Named("all", e.Projects.All), clickhouse.Named("projects", e.projects())}
}

// CountExport is the number of events of an export.
func (t *Tables) CountExport(ctx context.Context, e Export) (count uint64, err error) {
	err = t.conn.QueryRow(ctx, of(exportCountSQL, e.Version), e.parameters()...).Scan(&count)
	return count, err
}

// Export calls do with the original bytes of the events, in log order.
func (t *Tables) Export(ctx context.Context, e Export, do func(original []byte) error) error {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(archiveSettings))
	rows, err := t.conn.Query(ctx, of(exportOriginalsSQL, e.Version), e.parameters()...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var original string
		if err := rows.Scan(&original); err != nil {
			return err
		}
		if err := do([]byte(original)); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Parquet is the request to ClickHouse's HTTP interface whose answer is the export
// as a Parquet file: the statement is the body, the rest the query of the URL.
func (e Export) Parquet() (query url.Values, statement string) {
	query = url.Values{
		"param_until":    {strconv.FormatUint(uint64(e.Until), 10)},
		"param_all":      {strconv.FormatBool(e.Projects.All)},
		"param_projects": {strings.Join(strings.Fields(fmt.Sprint(e.projects())), ",")},
	}
	for name, value := range archiveSettings {
		query.Set(name, fmt.Sprint(value))
	}
	return query, of(exportParquetSQL, e.Version)
}
