// Package ingest is the edge: it takes events in over HTTP, judges each one, and
// answers only when the log holds them.
//
// # The flow
//
//	authenticate  the sender's key or token: scope ingest, and the projects it may touch
//	read          the body in one of four content types, within the limits of contract section 2
//	judge         each event: the caller's project first, then schema.Decode
//	append        the valid events of the request to the log, in their order; what was
//	              rejected goes to a log of its own, from which quarantine is made
//	answer        202 with counts and the rejected ones by index, after both are on disk
//
// # Invariants
//
// Accepted means on disk: a 202 is written only after the log has synced.
// 429 and 503 mean that nothing of the request was taken. A duplicate is valid:
// it is counted and changes nothing. The bytes of a structured event enter the
// log as they came; an event in binary mode is put into the structured form.
//
// Requests of about two milliseconds share one atomic append (group commit), so
// many small senders cost one flush together.
package ingest
