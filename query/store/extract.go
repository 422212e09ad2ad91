package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/schema/clickhouse"
)

// compound reports whether a column holds a list or a map.
func compound(column string) bool {
	return slices.Contains([]string{"custom_data", "tag_ids", "tag_names", "user_ids", "revenue"}, column)
}

// written describes how ClickHouse writes a format.
type written struct {
	name     string
	settings map[string]any
}

func formatOf(f query.Format) written {
	switch f {
	case query.FormatCSV:
		return written{"CSVWithNames", map[string]any{"format_csv_null_representation": ""}}
	case query.FormatParquet:
		return written{"Parquet", map[string]any{
			// A group of rows is held in memory until it is written.
			"output_format_parquet_row_group_size":       65_536,
			"output_format_parquet_row_group_size_bytes": 32 << 20,
			"output_format_parquet_parallel_encoding":    0,
		}}
	}
	return written{"JSONEachRow", nil}
}

// Extract writes rows in a format, in the order of the table's sort key, so that
// nothing is sorted or held. When it returns, the answer has started without an error; later errors
// are returned by Read. The statement ends with ctx, whose deadline ClickHouse knows too.
func (s *Store) Extract(ctx context.Context, e *query.Extract) (io.ReadCloser, error) {
	st := extraction("extract_", e)
	st.with("columns", selection(extracted(e)))
	if err := st.fits(); err != nil {
		return nil, err
	}
	format := formatOf(e.Format)
	settings := chgo.Settings{
		"wait_end_of_query":                         0,
		"date_time_output_format":                   "iso",
		"output_format_json_quote_64bit_integers":   0,
		"output_format_json_quote_decimals":         0,
		"output_format_json_escape_forward_slashes": 0,
		"prefer_column_name_to_alias":               1,
		"optimize_read_in_order":                    1,
		// Data that is read ahead is held in memory.
		"max_block_size":                    8192,
		"output_format_parallel_formatting": 0,
		"max_threads":                       2,
	}
	if s.config.MaxResult > 0 {
		settings["max_result_bytes"] = 0 // it is forwarded
	}
	for name, value := range format.settings {
		settings[name] = value
	}
	if s.config.MaxRows > 0 {
		settings["max_rows_to_read"] = 0 // a whole table was requested
	}
	if deadline, ok := ctx.Deadline(); ok {
		settings["max_execution_time"] = max(time.Until(deadline).Seconds(), 0.001)
	}
	ctx = chgo.Context(ctx, chgo.WithSettings(settings))
	if e.Scope.AsOf == 0 {
		return s.stream(ctx, st, format)
	}
	// Once the answer has started, it is known which state of the tables the statement reads.
	var stream io.ReadCloser
	err := s.asOf(ctx, st, func(ctx context.Context, completed *statement) (err error) {
		if stream != nil {
			_ = stream.Close()
		}
		stream, err = s.stream(ctx, completed, format)
		return err
	})
	if err != nil && stream != nil {
		_ = stream.Close()
	}
	return stream, err
}

func (s *Store) stream(ctx context.Context, st *statement, format written) (io.ReadCloser, error) {
	stream, err := s.conn.QueryFormat(ctx, format.name, st.sent(), st.args...)
	switch {
	case errors.Is(err, chgo.ErrFormatNativeUnsupported):
		return nil, &query.Error{Code: query.CodeUnavailable, Message: "exports need ClickHouse's HTTP interface: name it as http:// or https:// in --clickhouse-url"}
	case err != nil:
		return nil, withCode(st.name, err)
	}
	return extractStream{stream, st.name}, nil
}

// extractStream adds the codes of errors that occur while streaming.
type extractStream struct {
	io.ReadCloser
	name string
}

// Read implements io.Reader.
func (s extractStream) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = withCode(s.name, err)
	}
	return n, err
}

// CountExtract counts the rows that Extract would write.
func (s *Store) CountExtract(ctx context.Context, e *query.Extract) (uint64, error) {
	if s.config.MaxRows > 0 {
		ctx = chgo.Context(ctx, chgo.WithSettings(chgo.Settings{"max_rows_to_read": 0}))
	}
	return readCount(ctx, s, extraction("count_extract_", e))
}

func extraction(file string, e *query.Extract) *statement {
	var where *conditions
	switch e.Table {
	case query.TableConversations:
		where = within("a", e.Scope.Projects)
		where.openings = e.Filter.Openings
		if e.Always {
			where.matching(e.Filter)
		} else {
			where.closedIn(e.Interval, e.Filter)
		}
	case query.TableContacts:
		where = started("a", e.Scope, e.Interval, e.Filter)
	case query.TableTransactions:
		where = received("a", e.Scope, e.Interval, e.Filter)
	default:
		panic(fmt.Sprintf("unknown table %q", e.Table))
	}
	return newStatement(file+string(e.Table), e.Scope).where("where", where)
}

// extracted are the columns of the stable view. CSV has no lists and maps: they
// are written as JSON.
func extracted(e *query.Extract) []string {
	columns := viewColumns(string(e.Table))
	for i, name := range columns {
		if e.Format == query.FormatCSV && compound(name) {
			columns[i] = fmt.Sprintf("toJSONString(%[1]s) AS %[1]s", name)
		}
	}
	return columns
}

// viewColumns are the columns of a stable view.
func viewColumns(name string) []string {
	for _, view := range clickhouse.Views() {
		if view.View == name {
			return view.Shown()
		}
	}
	panic(fmt.Sprintf("no view %q", name))
}

// received selects the transactions received in the interval. Filters are about
// their conversations.
func received(prefix string, scope query.Scope, interval query.Interval, filter *query.Filter) *conditions {
	c := within(prefix, scope.Projects)
	c.add("received_at >= "+moment, int64(interval.From))
	c.add("received_at < "+moment, int64(interval.To))
	c.strings("conversation_id IN {$:Array(String)}", filter.Conversations)
	if filter.UpdatedSince != nil {
		c.add("_version > {$:UInt64}", uint64(*filter.UpdatedSince))
	}
	theirs := *filter
	theirs.UpdatedSince = nil
	of := within(prefix+"c", scope.Projects)
	of.openings = filter.Openings
	before := len(of.all)
	of.matching(&theirs)
	if len(of.all) > before {
		c.nest(`(project_id, conversation_id) IN (
        SELECT project_id, conversation_id FROM {projection:Identifier}.conversations FINAL WHERE $)`, of)
	}
	return c
}
