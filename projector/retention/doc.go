// Package retention limits the stream of events: it drops the oldest events once they are too old,
// or the stream is too large, and the archive of the live projection has them. An event above the
// stored position is never dropped.
package retention
