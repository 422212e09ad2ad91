// Package clickhouse holds the tables: numbered files of SQL, forward only, each
// one single statement that may be repeated.
//
// # Databases
//
//	parley_meta   meta/        the projections and which one is live, the files applied, the version
//	parley_<n>    projection/  the tables of projection n ($projection in the files)
//	              finished/    the same tables as the last of these files leaves them
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
// log sequence folded into it. The sort key of a conversation and of all it has never changes, so
// an older row never stands beside a newer one. SORT_KEY.md says how conversations, messages and transactions are sorted, and
// what was measured. Only customers are kept where they were created, which an earlier event
// changes: the old place gets a row with _deleted = 1.
//
// Columns that begin with _ are bookkeeping, or copy those columns of the conversation by which
// contacts are filtered; the views leave them out. Every table and column has a comment; the views
// copy the comments of the tables.
//
// Parts that overlap are merged by each query again, which costs it twice the time and more. While little arrives, the projector
// merges them: package projector/merge has the rule, and SORT_KEY.md what was measured.
//
// # On disk
//
// An insert is on disk when it returns (fsync_after_insert, and the part's
// folder with fsync_part_directory). Merges are not forced to disk: ClickHouse
// keeps the parts that were merged for eight minutes more (old_parts_lifetime),
// and falls back to them at start when the merged part is damaged. Forcing merges as well made
// batches of 14,000 events a quarter slower, and batches of 70,000 a third.
//
// Who asks for one customer gets every column of one granule. Blocks of customers are therefore
// compressed from 16 KiB on instead of 64 KiB (min_compress_block_size): a customer among a million took
// 7.1 to 8.1 ms instead of 8.1 to 9.5 ms (medians of 60, four rounds in turns), for 3 % more disk.
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
// number. A new projection is made from the files in finished/, one per table, in a fraction of the time. A test makes one projection
// each way and compares them; with -rewrite it generates finished/. conversations_by_closing is the table that conversations were in
// before version 10, messages_by_conversation and
// transactions_by_conversation those before version 14, and customers_by_creation that before version 18; they are
// empty, and stay so that a process which comes late does not rename a table once more. Views are the exception: they hold no data, and are recreated whenever their text, the
// live version, or a column's type or comment changes.
package clickhouse
