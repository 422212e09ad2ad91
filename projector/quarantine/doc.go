// Package quarantine replays and purges rejected events: after a fix, entries
// are submitted again; those that are not wanted are removed from their log and
// from the tables. projector/tables lists them.
//
// The table is a projection of two logs: of what was refused at the edge
// (rejected), and of what the log of events holds but could not be projected
// (events). An entry that is done with has to go from its log too, or the next
// rebuild would bring it back.
//
// # Replay
//
//	judge   the original is decoded as the edge would, at this moment; what is still
//	        refused stays where it is
//	append  it goes to the end of the log of events, as a new message
//	erase   the old message is overwritten in its log
//	remove  its row goes from the tables of every version that is kept
//
// Each step is durable before the next. Cut off in between, the entry is still
// listed; another replay appends the event a second time, which changes nothing,
// because an event's key counts once.
//
// # Purge
//
// Erase and remove, without an append.
//
// # What remains
//
// Of a removed row a mark stays with its log and sequence and nothing else, so
// that a batch written twice does not bring it back; merges drop it. The parts
// that held the bytes are deleted by ClickHouse 8 minutes after they were
// rewritten (old_parts_lifetime).
package quarantine
