// Package ingest is the edge: it takes events in over HTTP, judges each one, and
// answers only when the log holds them.
//
// # The flow
//
//	authenticate  the sender's key or token: scope ingest, and the projects it may touch
//	read          the body in one of four content types, within the limits of contract section 2
//	judge         each event: the caller's project first, then schema.Decode
//	append        the valid events, in their order, to the log of events; then the
//	              rejected ones to a log of their own, from which quarantine is made
//	answer        202 with counts and the rejected ones by index, after both are on disk
//
// # Invariants
//
// Accepted means on disk: a 202 is written only after the log has synced.
// 429 and 503 mean that nothing of the request was taken. Where that is not known,
// or only a part was taken, the answer is 504 with the code UNKNOWN_OUTCOME: send
// the same request again, repeats are recognised. A duplicate is valid: it is
// counted and changes nothing. The bytes of a structured event enter the log as
// they came, without white space around them; an event in binary mode is put
// into the structured form. A sender that goes away does not stop its append.
//
// # Groups
//
// One append is under way at a time. Requests that arrive meanwhile go together
// as the next one, an atomic batch of up to 4,000 events; a larger request goes
// alone. So a lone request waits for nobody, many small senders cost one flush
// together, and the messages of a request are neither parted nor mixed. A batch
// that is refused for a reason that may lie in one request (no room, say) is
// appended again request by request.
//
// # Limits
//
// The bodies being read or appended share a number of bytes
// ([Config.MaxHeldBytes]); a request over it is answered 429 with Retry-After: 1.
// 503 comes with Retry-After: 2 where the log is away and 30 where it is full;
// 504 with Retry-After: 2.
// Slow senders are the business of the http.Server in front; see ReadTimeout and
// its neighbours.
//
// # Choices that the contract leaves open
//
// gzip and zstd are taken as content encodings; the limit of 16 MiB holds for
// the body packed and unpacked. In structured and batch mode a body that is not
// JSON is unreadable (400), even when a single element of a batch is at fault;
// JSON that is not an object is a rejected event. A rejected event's id is null
// where it could not be read. Header values in binary mode are unquoted and
// percent-decoded once, as the HTTP binding says; a JSON type without ce-
// headers is 415. A byte order mark is skipped. A rejected event is kept up to
// 512 KiB (schema.MaxRejectedBytes) with its full size noted; a request that is
// repeated after a 504 may keep its rejected events twice.
package ingest
