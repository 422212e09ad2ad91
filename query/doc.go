// Package query answers: GraphQL over the tables, within the caller's projects
// and the limits.
//
// # The flow
//
//	authenticate  key or token (query/auth): scope read, projects
//	limit         body, depth, length, aliases, cost against the caller's bucket
//	resolve       one SQL statement a page, plus one per nested list for the whole page
//	answer        GraphQL over HTTP, with extensions.cost
//
// # Invariants
//
// No statement can be built without the caller's projects: query/store asks for
// them in every method. Parameters are bound on the server. Another project's
// row is never returned, counted, or told apart from one that does not exist.
// All statements of a request read the same version of the projection.
package query
