// Package clickhouse holds the tables: numbered files of SQL, forward only, each
// one single statement that may be repeated.
//
// # Databases
//
//	parley_meta   meta/        the projections and which one is live, the files applied, the version
//	parley_<n>    projection/  the tables of projection n ($projection in the files)
//	parley        views/       the stable names: views over the live projection
//
// A projection is everything computed from the log. Replay fills the tables of the next version
// next to the live ones; then the views switch to the new version. A writer or a query reads the
// live version from parley_meta and uses its database; dashboards read the views and are not
// affected.
//
// # Tables
//
// Every table of a projection is a ReplacingMergeTree, read with FINAL: one row
// per sort key counts, the one with the highest _version, which is the highest
// log sequence folded into it. conversations is sorted by closing time inside
// the project, which may change: its key has _closed_key, and when that moves a
// row with _deleted = 1 goes to the old key in the same insert.
//
// Columns that begin with _ are bookkeeping, or copy those columns of the conversation by which
// contacts are filtered; the views leave them out. Every table and column has a comment; the views
// copy the comments of the tables.
//
// # On disk
//
// An insert is on disk when it returns (fsync_after_insert, and the part's
// folder with fsync_part_directory). Merges are not forced to disk: ClickHouse
// keeps the parts that were merged for eight minutes more (old_parts_lifetime),
// and falls back to them at start when the merged part is damaged. Forcing merges as well made
// batches of 14,000 events a quarter slower, and batches of 70,000 a third.
//
// # Version
//
// The tables have a version ([Version]), which is stored in
// parley_meta.migrations under the name "version". A binary that finds a higher version, or a file
// that it does not know, refuses to serve and changes nothing ([NewerError]).
//
// # Files
//
// A file that was applied is never changed; a change is a new file with the next
// number. Views are the exception: they hold no data, and are recreated whenever their text, the
// live version, or a column's type or comment changes.
package clickhouse
