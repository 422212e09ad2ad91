// Package projector turns the log into rows.
//
// # The fold
//
// [Fold] is the heart: a pure function from the set of a conversation's events
// to its rows. It takes no context, clock, logger or error, and it is total:
// every valid event means something, in any order, in any number. All that
// contract section 3 promises about late, duplicate and out-of-order events
// follows from it: whoever has the same events computes the same rows.
//
// # The loop
//
// One goroutine owns a batch ([Projector.Run]):
//
//	gather   events from the log after the position, until the batch is big or old enough
//	sort out what is no valid event (to quarantine) and what is a duplicate (dropped)
//	recall   the earlier events of the conversations in the batch: from the cache,
//	         and for those not in it from the archive, in one query
//	fold     each conversation before and after; rows that differ are written
//	write    keys, rows, events, then the position: each insert on disk before the next
//	advance  the position in memory
//
// A failure anywhere drops the batch and the cache and reads again from the
// stored position. A crash between any two writes only repeats work, because
// every row is keyed and versioned by the last sequence folded in.
//
// # Rows left over from a crash
//
// After a crash rows may stand in the tables that are ahead of the position:
// written by a batch whose position never was. The events come again, but not
// necessarily in the same batches, so a difference against the previous fold
// would not see such a row. [Archive.Ahead] lists these conversations at start;
// until the log has passed the version found there, their rows are written in
// full, and the sort keys found are retired when they differ.
//
// # Interfaces
//
// The loop needs a [Log] to read, a [Sink] to write and an [Archive] to read
// back. They are small and owned here; projector/sink has the latter two for
// ClickHouse, cmd wires ingest/eventlog in as the first.
package projector
