// Package history is the log of events in all its forms, each a [projector.Log].
//
//	the stream    what the broker still holds; retention may have dropped its beginning
//	[Archive]     what the tables of a version have archived: accepted events, without
//	              duplicates and without what went to quarantine
//	[Whole]       both: from the archive what the stream has dropped, from the stream
//	              the rest
//
// If a stream drops entries while it is read, the gap in the sequences reveals it, and the missing
// events are read from the archive. Retention may drop only events up to what [Archived] returns,
// so a replay, a verification, and a kept version that becomes live again find everything.
//
// # Restoration
//
// [Restore] appends again what a log has lost and the tables hold ([Held]): archived events, and the entries of quarantine, of which the log of
// rejected events consists. [Fork] finds where a log that was replaced parts from the tables.
//
// # Gaps
//
// Entries that were erased, or removed from quarantine, are in neither form. A version built
// afterwards never reads them, so [Pass] moves positions over such gaps: otherwise it could never
// reach the position of a version that did read them.
package history
