// Package merge keeps the tables of the live version merged, so that FINAL has nothing to merge for those who read ranges of them.
//
// ClickHouse merges parts of about one size and leaves the others. A query with FINAL merges the rows of parts that overlap each time:
// a year of conversations costs twice as much or more then (schema/clickhouse/SORT_KEY.md has the figures). So while little arrives, the process that holds the
// projector's lease looks at the parts each minute and merges one table at a time. A replay merges the version that it has built before
// it offers it.
//
// # The rule
//
// A table is merged when queries of all of it have to merge an eighth of its rows, at least 10,000, and either the other parts
// have a quarter as many rows as the largest one, or no rows have come for an hour and it was not merged for a day.
//
// A merge rewrites the table. After it, all rows are in one part, so the rows of the others have been written since: a merge of the first
// kind rewrites at most five rows for each of those. So all of them together rewrite at most five times the rows that are written
// to the table, however these come; and those of the second kind, the table once a day.
//
// # What it does not do
//
// A merge changes no answer, and nobody waits for it: ClickHouse reads the old parts until the new one is complete, and inserts go
// on. ClickHouse does not end a merge with its statement, so a process that stops or loses the lease does not wait for
// the one under way: the server finishes it as it does its own, or drops it when it stops itself, and the successor of the process merges nothing within
// the first minute. If
// a merge fails, or takes longer than the server's answer is awaited, none is begun for an hour.
package merge
