package tables

import (
	_ "embed" // the statements
	"strings"

	"github.com/parley-analytics/parley/schema/clickhouse"
)

var (
	//go:embed sql/adopt_log.sql
	adoptLogSQL string
	//go:embed sql/applied.sql
	appliedSQL string
	//go:embed sql/backup_positions.sql
	backupPositionsSQL string
	//go:embed sql/backup_tables.sql
	backupTablesSQL string
	//go:embed sql/columns.sql
	columnsSQL string
	//go:embed sql/compare_buckets.sql
	compareBucketsSQL string
	//go:embed sql/compare_columns.sql
	compareColumnsSQL string
	//go:embed sql/compare_count.sql
	compareCountSQL string
	//go:embed sql/compare_differing.sql
	compareDifferingSQL string
	//go:embed sql/compare_moved.sql
	compareMovedSQL string
	//go:embed sql/compare_moved_count.sql
	compareMovedCountSQL string
	//go:embed sql/compare_owners.sql
	compareOwnersSQL string
	//go:embed sql/compare_rows.sql
	compareRowsSQL string
	//go:embed sql/compare_settled.sql
	compareSettledSQL string
	//go:embed sql/compare_settled_customers.sql
	compareSettledCustomersSQL string
	//go:embed sql/compare_settled_log.sql
	compareSettledLogSQL string
	//go:embed sql/compare_since.sql
	compareSinceSQL string
	//go:embed sql/compare_spelled.sql
	compareSpelledSQL string
	//go:embed sql/counts.sql
	countsSQL string
	//go:embed sql/create_database.sql
	createDatabaseSQL string
	//go:embed sql/databases.sql
	databasesSQL string
	//go:embed sql/drop_database.sql
	dropDatabaseSQL string
	//go:embed sql/erase_conversations.sql
	eraseConversationsSQL string
	//go:embed sql/erase_copy.sql
	eraseCopySQL string
	//go:embed sql/erase_copy_keys.sql
	eraseCopyKeysSQL string
	//go:embed sql/erase_copy_quarantine.sql
	eraseCopyQuarantineSQL string
	//go:embed sql/erase_events.sql
	eraseEventsSQL string
	//go:embed sql/events.sql
	eventsSQL string
	//go:embed sql/events_between.sql
	eventsBetweenSQL string
	//go:embed sql/export_count.sql
	exportCountSQL string
	//go:embed sql/export_originals.sql
	exportOriginalsSQL string
	//go:embed sql/export_parquet.sql
	exportParquetSQL string
	//go:embed sql/first_projection.sql
	firstProjectionSQL string
	//go:embed sql/foreign_databases.sql
	foreignDatabasesSQL string
	//go:embed sql/grant.sql
	grantSQL string
	//go:embed sql/grants.sql
	grantsSQL string
	//go:embed sql/holds_texts.sql
	holdsTextsSQL string
	//go:embed sql/last_event.sql
	lastEventSQL string
	//go:embed sql/last_event_until.sql
	lastEventUntilSQL string
	//go:embed sql/last_rejected_until.sql
	lastRejectedUntilSQL string
	//go:embed sql/may.sql
	maySQL string
	//go:embed sql/merge.sql
	mergeSQL string
	//go:embed sql/next_event.sql
	nextEventSQL string
	//go:embed sql/most_rows.sql
	mostRowsSQL string
	//go:embed sql/note_applied.sql
	noteAppliedSQL string
	//go:embed sql/parts_overlapping.sql
	partsOverlappingSQL string
	//go:embed sql/owner_excess.txt
	ownerExcess string
	//go:embed sql/owner_needs.txt
	ownerNeeds string
	//go:embed sql/positions.sql
	positionsSQL string
	//go:embed sql/projections.sql
	projectionsSQL string
	//go:embed sql/quarantine.sql
	quarantineSQL string
	//go:embed sql/quarantine_carry.sql
	quarantineCarrySQL string
	//go:embed sql/quarantine_expire.sql
	quarantineExpireSQL string
	//go:embed sql/quarantine_mark.sql
	quarantineMarkSQL string
	//go:embed sql/quarantine_release.sql
	quarantineReleaseSQL string
	//go:embed sql/quarantine_remove.sql
	quarantineRemoveSQL string
	//go:embed sql/reader_excess.txt
	readerExcess string
	//go:embed sql/reader_needs.txt
	readerNeeds string
	//go:embed sql/rejected_between.sql
	rejectedBetweenSQL string
	//go:embed sql/repair_customers.sql
	repairCustomersSQL string
	//go:embed sql/repair_delete.sql
	repairDeleteSQL string
	//go:embed sql/repair_events.sql
	repairEventsSQL string
	//go:embed sql/repair_events_delete.sql
	repairEventsDeleteSQL string
	//go:embed sql/repair_insert.sql
	repairInsertSQL string
	//go:embed sql/repair_keys.sql
	repairKeysSQL string
	//go:embed sql/restore_positions.sql
	restorePositionsSQL string
	//go:embed sql/restore_tables.sql
	restoreTablesSQL string
	//go:embed sql/repair_keys_delete.sql
	repairKeysDeleteSQL string
	//go:embed sql/rewrite_ask.sql
	rewriteAskSQL string
	//go:embed sql/behind.sql
	behindSQL string
	//go:embed sql/rewrite_left.sql
	rewriteLeftSQL string
	//go:embed sql/server.sql
	serverSQL string
	//go:embed sql/set_opening_hours.sql
	setOpeningHoursSQL string
	//go:embed sql/set_position.sql
	setPositionSQL string
	//go:embed sql/sizes.sql
	sizesSQL string
	//go:embed sql/sorting_keys.sql
	sortingKeysSQL string
	//go:embed sql/tables.sql
	tablesSQL string
	//go:embed sql/take_turn.sql
	takeTurnSQL string
	//go:embed sql/turn_taken.sql
	turnTakenSQL string
	//go:embed sql/unwritable.sql
	unwritableSQL string
)

// of names the tables of a version in a statement.
func of(statement string, version uint32) string {
	return strings.ReplaceAll(statement, "$projection", clickhouse.ProjectionDatabase(version))
}

// between names the tables of two versions in a statement, from one to the other.
func between(statement string, from, to uint32) string {
	return strings.NewReplacer("$from", clickhouse.ProjectionDatabase(from), "$to", clickhouse.ProjectionDatabase(to)).Replace(statement)
}
