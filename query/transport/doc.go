// Package transport puts a GraphQL schema on HTTP: GraphQL over HTTP to the
// letter, with limits, cost, logs and traces. It knows no field of the schema
// but for [DefaultPrices]. The page GraphiQL is the package below.
//
// # The way of a request
//
//	authenticate   401 without a caller, 403 without the scope read
//	read           method, media types, body or query string: 4xx by name
//	look up        a persisted document, where only its hash was sent
//	measure        parse; depth, selections, aliases, cost, before anything runs
//	wait           for one of the caller's places, then for the caller's budget
//	execute        with a deadline
//	answer         in the media type that was asked for, with extensions.cost
//
// Reading comes before the caller's places are taken, so that a slow sender
// holds nothing but a connection.
//
// # Media types and statuses
//
// `application/json` (also without Accept) answers 200 to every request that
// could be read, whatever became of the document. With
// `application/graphql-response+json` an answer without data has the status of
// its first error: 400, 401, 403, 429, 500, 503, 504. What could not be read is
// 400, 405, 406, 413 or 415 in both.
//
// U+00A0 outside strings and comments reads as a space: documents pasted from
// web pages are full of them.
//
// # Cost
//
// An answer costs one point for each object in it; values are free, and fields
// that need work of their own have a [Price]. Before it runs, a document is
// taken at the most it can cost: full pages, and lists without pages at an
// assumed length. That much is taken from the caller's budget, and what the
// answer did not need is given back. A document above the whole budget is
// QUERY_TOO_LARGE; one above what is left is THROTTLED, with the time to wait in
// extensions.retryAfterMs and Retry-After. Every answer says in
// extensions.cost where the caller stands.
//
// # What is never written down
//
// Logs, spans and metrics hold the operation's name and type, counts, times,
// statuses and the credential's id: no documents, variables or addresses.
package transport
