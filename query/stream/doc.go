// Package stream serves GET /v1/stream/conversations, /contacts and /events: rows as they change, in the order of the
// log, as server-sent events.
//
// # Positions
//
// The id of an event is the position of its change: the log sequence of the event that changed the row last, and for
// contacts, of which one event may change several, "sequence.ordinal". A reader that sends the last id it has seen
// (Last-Event-ID, or the parameter lastEventId) goes on behind it: no change is left out and none is repeated. Without
// an id the stream begins at the present. Position 0 is the beginning of the log.
//
// A stream of conversations or contacts shows rows, not their history: a row that changed twice before it was read comes
// once, in its latest state, at the position of the latest change. In the stream of events each accepted event comes
// exactly once. Filters are those of GraphQL; a row that does not match any more is not sent.
//
// An erasure changes rows, too: it moves an event of each conversation to the end of the log once the live rows are redacted
// (projector/erase). So they come again, at the position of that event, and say that they are erased.
//
// Subscriptions of GraphQL are the same streams, by the graphql-sse protocol (query/transport): each change is answered with what
// the document selects.
//
// # How changes reach readers
//
//	tables ──position moves──▶ hub of a table ──one statement for all readers──▶ views ──▶ readers, each filtered by its projects
//
// A view is what readers with the same rights, filters and document see: one of them works it out for all.
//
// A reader that begins in the past first reads up to where the hub is with statements of its own, then from the hub. The
// hub asks only while somebody reads, and at most as often as leaves the tables mostly idle.
//
// # Limits
//
// Readers are bounded in total and for each credential. A reader that does not take what comes is dropped: a comment and
// the position end the connection, and the client's next one goes on at the last id it has. Credentials are checked again every
// heartbeat, so a stream ends soon after they do.
package stream
