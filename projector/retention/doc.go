// Package retention bounds the streams of the log: it drops entries from the
// beginning of one that are too old, or too many bytes, once the live projection
// has stored them. An entry above the stored position is never dropped. The tables
// forget rejected events that the stream has dropped, for a rebuild would not find
// them again.
package retention
