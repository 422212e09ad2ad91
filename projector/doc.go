// Package projector turns the log into rows.
//
// The rows of a conversation are a pure function of its events: package
// projector/fold. This package feeds it and keeps what it returns.
//
//	fold        events in, rows out: the contract, without any technology
//	projector   this package: the loop that keeps one version up with the logs
//	sink        writes batches into ClickHouse and reads archived events back
//	tables      the tables: migrations, versions, and every other statement
//	history     the log of events in all its forms: stream, archive, both
//	lead        projects the live version, and hands over to the next (what serve runs)
//	replay      builds a version from the log, compares, repairs, makes it live
//	quarantine  lists, replays and purges what was refused
//	erase       takes personal data out of the logs and the tables
//	reference   a second fold, the oracle of tests; foldtest and porttest make their events
//
// What each may import is a table in cmd/parley/imports_test.go, and tested.
//
// # The loop
//
// [Projector.Run] has one goroutine that owns a batch, and one before it that
// gathers the next:
//
//	gather    events from the log after the position, until the batch is big or old
//	          enough, or no more arrive; decode them
//	sort out  what is not a valid event (to quarantine) and what is a duplicate (dropped)
//	assemble  the earlier events of the conversations in the batch: from the cache,
//	          and for those not in it from the archive, in one query
//	fold      each conversation before and after; rows that differ are written
//	write     rows, events, keys, quarantine, then the position: each insert on disk
//	          before the next
//	advance   the position and the cache in memory
//
// A failure anywhere drops the batch and the cache and reads again from the
// stored position, after a pause that grows to a few seconds, with batches half
// as big. A crash between any two writes only causes repeated work, because
// every row is keyed and versioned by the last sequence folded in.
//
// Of a conversation with more than [Config.LongEvents] events the cache has the
// state of its fold instead of the events, and the fold is continued: what a
// further event costs does not depend on how many there were (projector/fold has
// the conditions). An event that is late, and the first one after a start, mean a
// fold of all events.
//
// The log of what was refused at the edge goes the same way, with a position of
// its own; its batches hold quarantine only.
//
// # What counts
//
// An event counts if its key (project, source, id) has not been seen under a
// lower sequence, in whichever conversation and however long ago. A key known
// under the event's own sequence is this very event, written by a batch whose
// position was not.
//
// An event whose rows the tables refuse for good ([UnwritableError]) is found by
// writing parts of its batch, and goes to quarantine as UNWRITABLE. It is then in
// no fold, no archive and no table of keys: the fold is one of the events that
// can be written, in a replay too. A later event of the same key counts.
//
// # Rows left over from a crash
//
// After a crash the tables may hold rows that are ahead of the position: those
// of a batch whose position was never written. The events come again, but not
// necessarily in the same batches, so folds that are older than these rows are
// written meanwhile. The [Sink] ensures that the tables come out the same (see
// projector/sink). Events that the archive holds above the position are not
// recalled: they will be read again.
//
// # What is on disk when
//
// An event is acknowledged when its log has forced it to disk. A batch's
// inserts are forced to disk too, data and folder, each stage before the next,
// so the position never names what a power loss could take away. Merges are
// not: until one is old, its sources are kept. So nothing has to be projected
// again after an unclean stop but what lies above the position. It costs a
// batch of 13,700 events 155 ms instead of 121 (projector/sink has the table).
// Rows that are missing all the same, because a disk lies or a folder was
// restored in part, are found by verify, not at the start; replay creates them
// again.
//
// # Failures
//
// Whatever fails is retried indefinitely; [Projector.Ready] names it until the
// position has moved. A position that does not move for [Config.StallAfter]
// while the log is ahead makes the projector unready and restarts its reader. A
// log that ends before the position, or before a sequence found in the tables,
// is a different log or has lost its end ([TruncatedError]): nothing is
// projected from it. Missing sequences in between are not a failure: entries
// may be discarded.
//
// # Interfaces
//
// The loop needs a [Log] to read, a [Sink] to write and an [Archive] to read
// back. They are small and owned here; projector/sink has the latter two for
// ClickHouse, cmd wires ingest/eventlog in as the first.
package projector
