// Package replay builds a version of the projection from the log next to the live one, compares the
// two, and repairs the live one or makes the new one live.
//
// # Replay
//
//	build    the projector's own loop writes a new version's tables, from position 0 to the
//	         live position; it resumes where it stopped, because the position is in the tables
//	check    counts against the new version's own archive, then the difference between the
//	         live version and the new one at one sequence
//	merge    parts that overlap are merged (projector/merge): readers of the new version need not
//	offer    the new version is marked ready
//	swap     the live projector (projector/lead) finishes its batch, continues in the new version until that has reached the position of the old one, switches the views and marks it live
//
// The seam is a sequence: the new version is only made live when its position has
// reached that of the old one, so a reader never sees an older projection.
// Whoever holds the projector's lease makes the swap: where no projector runs, the
// command gets it and does so itself. The old version is kept; undo offers it again, and it catches up from its own position in the
// same way.
//
// A GraphQL request reads the live version once and uses it in all its
// statements, so no page mixes versions; the tables of the old version stay.
//
// The log is read from its beginning, including events that retention has dropped from the stream
// (projector/history). Rows of quarantine whose entries were dropped are in no archive: they are
// carried over from the live version.
//
// # Verify
//
// Verify builds a version from the log in the same way, compares it with the live
// one and drops it. Conversations that have changed meanwhile are skipped by sequence, and counted.
//
// A repair corrects the archive from the built version, and asks the projector of the live one, by rows
// of quarantine (DIFFERS), to make the rows of the conversations again: it forgets them, folds their
// events, inserts all rows and only then removes others. So readers always see a conversation, and its
// next event is folded onto what was repaired. Where no projector runs, the command projects meanwhile.
// Rows of customers, which are computed from others, are copied at the compared sequence.
//
// # Compare
//
// Tables are compared by checksum per bucket of conversations first, and row by
// row only in the buckets that differ. Bookkeeping that depends on how rows were
// batched (_version, _deleted) is not compared.
package replay
