// Package transport serves a GraphQL schema over HTTP: GraphQL over HTTP with limits, cost, logs
// and traces. It knows no field of the schema except in [DefaultPrices]. The GraphiQL page is in
// the package graphiql below.
//
// # Request flow
//
//	authenticate   401 without a caller, 403 without the scope read
//	read           method, media types, body or query string: 4xx by name
//	look up        a persisted document, if only its hash was sent
//	measure        parse; depth, selections, aliases, cost, before anything runs
//	wait           for a place among all requests, then for the caller's budget
//	execute        with a deadline and a limit on the answer (query/meter)
//	answer         in the requested media type, with extensions.cost
//
// The request is read before a place is taken, so that a slow sender holds only a connection; the
// place is released before the answer is sent, so that a slow reader holds only the answer's
// memory. Both are bounded for all callers together, and no caller has more than half. Expensive
// requests run one at a time for each caller; large answers are built slowly (query/meter, Turns).
//
// Questions about the schema alone are answered from the SDL, not by the library.
//
// # Media types and statuses
//
// `application/json` (also without Accept) answers 200 to every request that could be read, whatever the result. With
// `application/graphql-response+json` an answer without data has the status of
// its first error: 400, 401, 403, 429, 500, 503, 504. An unreadable request is 400, 405, 406, 413 or 415 in both.
//
// U+00A0 outside strings and comments is read as a space, because documents pasted from web pages contain it.
//
// # Cost
//
// An answer costs one point for each object in it and for every 1,000 rows
// read, and 4 for each KB; fields that need work of their own have a [Price].
// Before it runs, a document is priced at full pages, at an assumed length of
// lists without pages, and at a whole page for each of those inside another one
// that leads back to it. That much is taken from the caller's budget. Points that the answer did
// not need are refunded; points beyond are charged too, and may leave a debt. A request that ends
// early (time, size, disconnected client) is charged for the work done until then. A document above
// the whole budget is QUERY_TOO_LARGE; one above what is left is THROTTLED, with the time to wait
// in extensions.retryAfterMs and Retry-After. Every answer says in extensions.cost the caller's
// remaining budget.
//
// # What is never logged
//
// Logs, spans and metrics hold the operation's name and type, counts, times,
// statuses and the credential's id: no documents, variables or addresses.
package transport
