// Package webhook takes in what chat platforms post: POST /webhooks/<source>/<id>.
//
// # The flow
//
//	find       the hook of the id in the path, compared in constant time
//	receive    the body, within the limits of POST /v1/events
//	verify     the platform's signature, where the hook has a secret
//	translate  by the platform's own package (iadvize, chatra)
//	deliver    through package ingest: schema.Decode, group commit, disk
//	answer     when everything is on disk
//
// # Answers
//
//	200  the events are on disk, or the payload has nothing to add (a user logged in)
//	202  the payload, or something in it, could not be mapped: its bytes are kept in
//	     quarantine, with field and rule, beside the events that it makes all the same
//	401  the signature is missing or wrong; nothing is kept
//	404  no such hook, or one of another source
//	413  more than 16 MiB, or an event that is larger than the broker takes
//	429, 503, 504  not now; Retry-After says when. Sending again is always safe
//
// Whatever the right sender posts is kept: a body that is not JSON, not UTF-8,
// not what its content encoding says, an unknown kind, a member of the wrong
// type. The content type is not looked at. What is longer than
// [schema.MaxRejectedBytes] is kept in several entries, which say which part
// they are. A repeat is kept once.
//
// # Hooks
//
// A [Hook] is kept in a key-value bucket and known to all roles a moment after
// it was added. Its id is 128 random bits: where a platform signs nothing, the
// id is the secret. It names the project that the events belong to; a
// platform's own project id is not looked at. Counts and the last error of each
// hook are written about once a second, outside of the way of a payload.
//
// Signing secrets are kept as they are, readable with the broker's credentials,
// for a signature cannot be checked with a hash of its key.
package webhook
