// Package rebuild makes a projection anew from the log beside the live one, and
// compares two projections.
//
// # Replay
//
//	build    the projector's own loop writes a new version's tables, from position 0 to the
//	         live position; it resumes where it stopped, because the position is in the tables
//	check    counts against the new version's own archive, then the difference between the
//	         live version and the new one at one sequence
//	offer    the new version is marked ready
//	swap     whoever projects live finishes its batch, goes on in the new version until
//	         that is as far as the old one was, turns the views and marks it live
//
// The seam is a sequence: the new version is only made live when its position has
// reached that of the old one, so a reader never sees the projection go back.
// Without a live projector the command does the swap itself. The old version is
// kept; undo offers it again, and it catches up from its own position in the
// same way.
//
// A GraphQL request reads the live version once and uses it in all its
// statements, so no page mixes versions; the tables of the old version stay.
//
// # What the log has lost on purpose
//
// [Whole] is the log from its beginning: what retention has dropped of the stream
// comes out of the live version's archive, the rest out of the stream. A stream
// that drops entries while it is read is noticed by the gap. Retention may drop
// what [Archived] says, and nothing above it; so a replay, a verification, and a
// kept version that is made live again find everything. Rows of quarantine whose
// entries were dropped are in no archive: they are carried over from the live
// version.
//
// Entries that were erased, or taken out of quarantine, are in neither. A version
// built afterwards never reads them, so positions are moved over such gaps: or
// one that was there in time could never be reached.
//
// # Verify
//
// Verify builds a version from the log in the same way, compares it with the live
// one and drops it. Conversations that the log has moved on meanwhile are left
// out of the comparison by sequence and counted.
//
// # Compare
//
// Tables are compared by checksum per bucket of conversations first, and row by
// row only in the buckets that differ. Bookkeeping that depends on how rows were
// batched (_version, _deleted) is not compared.
package rebuild
