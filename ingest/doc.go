// Package ingest is the edge: it accepts events over HTTP, validates each one, and answers only
// when they are in the log.
//
// # The flow
//
//	authenticate  the sender's key or token: scope ingest, and the projects it may touch
//	read          the body in one of four content types, within the limits of contract section 2
//	judge         each event: the caller's project first, then schema.Decode
//	append        the valid events, in their order, to the log of events; then the rejected ones to a separate log, from which quarantine is projected
//	answer        202 with counts and the rejected events by index, after both are on disk
//
// # Invariants
//
// Accepted means on disk: a 202 is written only after the log has synced.
// 429 and 503 mean that nothing of the request was stored. If that is unknown, or only a part was
// stored, the answer is 504 with the code UNKNOWN_OUTCOME: send the same request again, duplicates
// are recognised. A duplicate is valid: it is counted and changes nothing. The bytes of a
// structured event enter the log as received, without surrounding white space; an event in binary
// mode is converted into the structured form. A sender that disconnects does not stop its append.
//
// # Groups
//
// One append runs at a time. Requests that arrive meanwhile are combined into the next one, an
// atomic batch of up to 4,000 events; a larger request is appended alone. So a single request does
// not wait for others, many small senders share one flush, and the messages of a request are
// neither split nor interleaved. A batch that is refused for a reason that may lie in one request
// (lack of space, for example) is appended again request by request.
//
// # Limits
//
// The bodies being read or appended share a memory limit ([Config.MaxHeldBytes]); a request beyond
// it is answered 429 with Retry-After: 1. 503 has Retry-After: 2 if the log is unavailable and 30
// if it is full; 504 has Retry-After: 2. The http.Server limits slow senders; see its ReadTimeout.
//
// # Choices that the contract leaves open
//
// gzip and zstd are accepted as content encodings; the limit of 16 MiB applies to the compressed
// and the decompressed body. In structured and batch mode a body that is not JSON is unreadable
// (400), even if only one element of a batch is invalid; JSON that is not an object is a rejected
// event. A rejected event's id is null if it could not be read. Header values in binary mode are
// unquoted and percent-decoded once, as the HTTP binding says; a JSON type without ce- headers is
// 415. A byte order mark is skipped. Up to 512 KiB of a rejected event are kept
// (schema.MaxRejectedBytes), with its full size; a request that is repeated after a 504 may store
// its rejected events twice.
package ingest
