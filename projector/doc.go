// Package projector turns the log into rows.
//
// The rows of a conversation are a pure function of its events: package
// projector/fold. This package feeds it and stores what it returns.
//
//	fold        events in, rows out: the contract, without any technology
//	projector   this package: the loop that keeps one version up to date with the logs
//	sink        writes batches into ClickHouse and reads archived events back
//	tables      the tables: migrations, versions, and every other statement
//	history     the log of events in all its forms: stream, archive, both
//	merge       merges the parts of the live version while little arrives
//	lead        projects the live version, and hands over to the next (used by serve)
//	replay      builds a version from the log, compares, repairs, makes it live
//	quarantine  lists, replays and purges refused events
//	erase       removes personal data from the logs and the tables
//	reference   a second fold, the oracle of tests; foldtest and porttest make their events
//
// cmd/parley/imports_test.go lists what each may import, and enforces it.
//
// # The loop
//
// [Projector.Run] has one goroutine that owns a batch, and another one that gathers the next:
//
//	gather    events from the log after the position, until the batch is large or old
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
// as big. A crash between any two writes only causes repeated work, because every row has a key and
// the last sequence folded in as its version.
//
// Of a conversation with more than [Config.LongEvents] events the cache has the
// state of its fold instead of the events, and the fold is continued: what a
// further event costs does not depend on how many there were (projector/fold has
// the conditions). The cache has some earlier states too, each about as many events after the one before: after an event
// that comes before others, the fold is continued from the latest state before it.
//
// # Beside the batches
//
// A large conversation, with more than five times as many events, is never folded in a batch. If its fold
// cannot be continued (the first event after a start, and one that is later than the earlier states) the batch archives
// its events and moves the position, and a row of quarantine in it says that the rows of the conversation are
// behind (BEHIND; DIFFERS if rows must go, too). So this holds across restarts and for another process. Then:
//
//	fold      a goroutine reads the events back in pieces, by time, and folds them: the ones
//	          before the first that is owed, of which the tables have the rows, for the state; or all up to
//	          the position, if that is not enough
//	write     the loop writes the rows, 10,000 messages at a time, with as long a pause for batches as they took, under the version
//	          that they were folded to; messages that do not change from the first owed event on are not written again. No other rows of the conversation are written meanwhile
//	catch up  it continues the state with the events that came meanwhile, and takes the row of
//	          quarantine away. If they are late again, it begins once more, from them on
//
// So the others wait for some rows only, and the position is right about all conversations but those in
// [Projector.Behind], which /readyz and metrics name. Answers report a position before the first event that its rows lack, so
// that incremental readers miss no row; the projector's own position advances. A conversation found behind by a new round of the loop, or while batches
// are contested, may have rows of any of these steps, and of batches that were cut off. All of them are of events from the first one owed on, so
// it is folded from all its events, and what changes from that one on is written again. Only where rows must go are all rows written, with all texts. One whose
// rows are refused is set aside. A conversation is made after the other, and none while batches are contested.
//
// The log of events refused at the edge is projected the same way, with its own position; its
// batches contain only quarantine.
//
// # What counts
//
// An event counts if its key (project, source, id) has not been seen under a
// lower sequence, in whichever conversation and however long ago. A key known under the event's own
// sequence is this event itself, written by a batch whose position was not written.
//
// There is one exception: an erasure appends the last event of each conversation twice. The second copy
// announces that the rows are redacted ([schema.Event.Announces]): it replaces the first, so the rows
// change at its sequence, and readers that follow the log see the change.
//
// An event whose rows the tables permanently reject ([UnwritableError]) is found by writing parts
// of its batch, and goes to quarantine as UNWRITABLE. It is then in no fold, no archive and no
// table of keys: the fold, in a replay too, contains only events that can be written. A later event
// with the same key counts. The batch that quarantines it replaces all rows of its conversation, because
// tables that did not reject it may hold some.
//
// # Set aside
//
// A conversation whose rows cannot be written, or whose events cannot be read back, for
// lack of memory ([TooLargeError]) is found by writing parts of its batch. If it fails
// alone, and for seconds, it is set aside ([Aside]): its events are archived and make no
// rows. The row of quarantine that says so is written before the batch is gathered
// again, so it holds across restarts; a release refolds all its events. A server that
// refuses more than ten consecutive conversations of ordinary size is to blame itself:
// then no more are set aside.
//
// # Rows left over from a crash
//
// After a crash the tables may hold rows that are ahead of the position: those
// of a batch whose position was never written. The events are read again, but not necessarily in
// the same batches, so folds older than these rows are written in between, which have no effect: a
// row has a version, and a sort key that never changes. Events that the archive holds above the position
// are not recalled, because they will be read again.
//
// One process at a time projects (the caller holds a lease). One that was replaced may have a batch
// on its way when the next one begins, and so may this one after an insert that it gave up. The
// batches that repeat such events, and all up to the highest version that is in the tables at the start,
// are contested: all rows of their conversations are written, and
// no fold is continued (see projector/sink).
//
// # Durability
//
// An event is acknowledged when its log has forced it to disk. A batch's inserts are forced to disk
// too, data and directory, each stage before the next, so the position never covers rows that a
// power loss could lose. Merges are not: their source parts are kept for a while. So after an
// unclean stop, only events above the position have to be projected again. The cost for a batch of
// 13,700 events is 155 ms instead of 121 (projector/sink has the table). Rows that are missing
// nevertheless, because a disk lost synced data or a folder was partly restored, are found by
// verify, not at the start; replay creates them again.
//
// # Failures
//
// Every failure is retried indefinitely; [Projector.Ready] reports it until the position has moved.
// A position that does not move for [Config.StallAfter] while the log is ahead makes the projector
// unready and restarts its reader. A position names the log that it counts in ([Origin]). A log
// with another identity, with another entry at the position, or that ends before a sequence found in
// the tables, was replaced or truncated ([ReplacedError]): nothing is projected from it. Missing
// sequences in between are not a failure: entries may be discarded.
//
// # Interfaces
//
// The loop needs a [Log] to read, a [Sink] to write and an [Archive] to read
// back. They are small and defined here; projector/sink implements the latter two for ClickHouse,
// and cmd passes ingest/eventlog as the first.
package projector
