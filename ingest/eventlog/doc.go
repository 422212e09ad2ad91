// Package eventlog is the log: JetStream streams that hold every event in order,
// and the buckets that roles share. It is the only user of nats.go.
//
// # Streams
//
//	PARLEY_EVENTS    subject parley.events.0   every accepted event
//	PARLEY_REJECTED  subject parley.rejected   what was refused at the edge, with the reason
//
// A stream is a partition; there is one until measurements ask for more. File
// storage, discard new when full, no per-message TTL. The message id is a hash of
// the event key, so that JetStream drops a resend inside its window; what comes
// later than that is recognised by the projector.
//
// # Append
//
// Append puts messages into the stream durably and in order, as one atomic batch
// where the server has the right (one flush). A batch that is refused for a
// duplicate id is sent again message by message.
//
// # Read
//
// A Reader is an ordered consumer from a sequence, without acknowledgements: the
// reader owns its position (a durable consumer redelivers old messages after
// newer ones when it comes back from a crash).
package eventlog
