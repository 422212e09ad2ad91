// Package canary measures how soon an accepted event is visible to queries, whether or not anybody sends events.
//
//	append  a canary is stored in the log of events, like any event
//	project the projector reads it in a batch and passes over it: the batch moves the position in ClickHouse and writes no row
//	await   until the tables that answer queries have reached the canary's sequence
//	erase   the canary is removed from the log
//
// So a canary is in no table, no figure, no export and no feed, whatever the caller's rights, and a replay finds none. One that a
// killed process left behind stays in the log until retention drops it.
//
// The result is the gauge parley_freshness_seconds: the time that the latest canary took, or, once the current one takes longer, its
// age. While events cannot be accepted or do not become visible, it grows.
package canary
