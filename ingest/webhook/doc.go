// Package webhook takes in what chat platforms post: POST /webhooks/<source>/<id>.
//
// # The flow
//
//	find       the hook of the id in the path, compared in constant time
//	receive    the body, within the limits of POST /v1/events
//	verify     the platform's signature, where the hook has a secret
//	translate  by the platform's own package (iadvize, chatra)
//	deliver    through the door of package ingest: schema.Decode, group commit, disk
//	answer     when everything is on disk
//
// # Answers
//
//	200  the events are on disk, or the payload has nothing to add (a user logged in)
//	202  a payload of an unknown kind: counted, and kept in quarantine as UNSUPPORTED
//	400  no JSON, or a member breaks its rule; nothing was taken
//	401  the signature is missing or wrong
//	404  no such hook, or one of another source
//	413  more than 16 MiB
//	429, 503  not now, nothing was taken; Retry-After says when
//	504       UNKNOWN_OUTCOME: all, a part or nothing was taken. Sending again is always safe
//
// A platform that gives up after a few retries is asked to repeat with 5xx only
// when nothing, or nothing that it cannot repeat, was taken.
//
// # Hooks
//
// A [Hook] is kept in a key-value bucket and known to all roles a moment after
// it was added. Its id is 128 random bits: where a platform signs nothing, the
// id is the secret. It names the project that the events belong to; a
// platform's own project id is not looked at. Counts and the last error of each
// hook are written about once a second, outside of the way of a payload.
//
// Signing secrets are kept as they are, readable to whoever has the broker's
// credentials, for a signature cannot be checked with a hash of its key.
package webhook
