// Package history is the log of events in all its forms, each a [projector.Log].
//
//	the stream    what the broker still holds; retention may have dropped its beginning
//	[Archive]     what the tables of a version have archived: accepted events, without
//	              duplicates and without what went to quarantine
//	[Whole]       both: from the archive what the stream has dropped, from the stream
//	              the rest
//
// A stream that drops entries while it is read is noticed by the gap in the
// sequences, and what is missing is read from the archive. Retention may drop what
// [Archived] returns, and nothing above it; so a replay, a verification, and a kept
// version that is made live again find everything.
//
// # Gaps
//
// Entries that were erased, or taken out of quarantine, are in neither form. A
// version built afterwards never reads them, so [Pass] moves positions over such
// gaps: otherwise a version that read them in time could never be reached.
package history
