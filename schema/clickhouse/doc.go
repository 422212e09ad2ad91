// Package clickhouse holds the tables: numbered files of SQL, forward only, each
// one single statement that may be repeated.
//
// # Databases
//
//	parley_meta   meta/        which projections there are, which is live, what was applied, the version
//	parley_<n>    projection/  the tables of projection n ($projection in the files)
//	parley        views/       the stable names: views over the live projection
//
// A projection is everything computed from the log. Replay fills the tables of
// the next version beside the live ones; then the views are made to read the
// new version. A writer or a query asks parley_meta for the live version once
// and uses its database; dashboards read the views and need not know.
//
// # Tables
//
// Every table of a projection is a ReplacingMergeTree, read with FINAL: one row
// per sort key counts, the one with the highest _version, which is the highest
// log sequence folded into it. conversations is sorted by closing time inside
// the project, which may change: its key has _closed_key, and when that moves a
// row with _deleted = 1 goes to the old key in the same insert.
//
// Columns that begin with _ are bookkeeping, or repeat what a contact is searched
// by of its conversation; the views leave them out. Every
// table and column has a comment; the views take over those of the tables.
//
// # On disk
//
// An insert is on disk when it is answered (fsync_after_insert, and the part's
// folder with fsync_part_directory). Merges are not forced to disk: ClickHouse
// keeps the parts that were merged for eight minutes more (old_parts_lifetime),
// and goes back to them at start when the merged one is damaged. Forcing merges
// too made batches of 14,000 events a quarter slower, of 70,000 a third.
//
// # Version
//
// The tables have a version ([Version]), which is stored in
// parley_meta.migrations under the name "version". A binary that finds a higher
// one, or a file that it does not know, serves and changes nothing
// ([NewerError]).
//
// # Files
//
// A file that was applied is never changed; a change is a new file with the next
// number. Views are the exception: they hold no data, and are made again whenever
// their text, the live version or a column's type or comment changes.
package clickhouse
