// Package webhook receives the webhooks of chat platforms: POST /webhooks/<source>/<id>.
//
// # The flow
//
//	find       the hook of the id in the path, compared in constant time
//	receive    the body, within the limits of POST /v1/events
//	verify     the platform's signature, if the hook has a secret
//	translate  by the platform's own package (iadvize, chatra)
//	deliver    through package ingest: schema.Decode, group commit, disk
//	answer     when everything is on disk
//
// # Answers
//
//	200  the events are on disk, or the payload contains nothing to record (a user logged in)
//	202  the payload, or something in it, could not be mapped: its bytes are kept in quarantine, with field and rule; the mapped events are on disk
//	401  the signature is missing or wrong; nothing is stored
//	404  no such hook, or it belongs to another source
//	413  more than 16 MiB, or an event that is larger than the broker accepts
//	429, 503, 504  try again after Retry-After. Sending again is always safe
//
// Everything from an authenticated sender is kept: a body that is not JSON, not UTF-8, or does not
// match its content encoding, an unknown kind, a member of the wrong type. The content type is
// ignored. A payload longer than [schema.MaxRejectedBytes] is kept in several numbered entries.
// Repeats are stored once.
//
// # Hooks
//
// A [Hook] is kept in a key-value bucket and known to all roles a moment after it was added. Its id
// is 128 random bits: if a platform does not sign, the id is the secret. It names the project of
// the events; a platform's own project id is ignored. Counts and the last error of each hook are
// written about once a second, independently of payloads.
//
// Signing secrets are stored encrypted, not hashed, because a signature cannot be checked with a hash of its key.
package webhook
