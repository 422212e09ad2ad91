// Package retention bounds the stream of events: it drops events from its
// beginning that are too old, or too many bytes, once the archive of the live
// projection has them. An event above the stored position is never dropped.
package retention
