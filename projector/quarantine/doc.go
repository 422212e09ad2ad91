// Package quarantine replays and purges rejected events: after a fix, entries are submitted again;
// unwanted ones are removed from their log and from the tables. projector/tables lists them.
//
// The table is a projection of two logs: events refused at the edge (rejected), and entries of the
// log of events that could not be projected (events). A finished entry must be removed from its log
// too, or the next rebuild would restore it.
//
// A third kind of entry (conversations) stands for a conversation that the projector
// has set aside: see projector. It is in no log; its sequence is that of the first
// event that is in no rows. It is released by the tables, not replayed.
//
// # Replay
//
//	judge   decode the original as the edge would now; entries that are still refused stay
//	append  append it to the log of events, as a new message
//	erase   overwrite the old message in its log
//	remove  delete its row from the tables of every kept version
//
// Each step is durable before the next. After an interruption, the entry is still listed; another
// replay appends the event again, which changes nothing, because an event's key counts once.
//
// # Purge
//
// Erase and remove, without an append.
//
// # What remains
//
// A marker with only the log and sequence of a removed row stays, so that a batch written twice
// does not restore it; merges drop the marker. The parts that held the bytes are deleted by
// ClickHouse 8 minutes after they were rewritten (old_parts_lifetime).
package quarantine
