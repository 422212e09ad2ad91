// Package query answers GraphQL queries over the tables, within the caller's projects and the limits.
//
// # The flow
//
//	authenticate  key or token (query/auth): scope read, projects
//	limit         body, depth, length, aliases, cost against the caller's bucket (query/transport)
//	resolve       one SQL statement a page, plus one per nested list for the whole page (here, query/store)
//	answer        GraphQL over HTTP, with extensions.cost (query/transport)
//
// # Invariants
//
// No statement can be built without the caller's projects: query/store requires them in every
// method. Parameters are bound on the server. Another project's row is never returned, counted, or
// distinguished from one that does not exist. All statements of a request read the same version of
// the projection.
//
// # Resolvers
//
// [New] parses the SDL of schema/graphql against the types here; what a field
// means is defined in the SDL. A request is a context made by [WithCaller]. A
// field of Query reads its arguments into a [Filter], an [Interval] and a
// [Page], lets the store read the selected columns, and returns plain structs. The details of a
// page's rows belong to the page's batch, which reads contacts, transactions and visitors for all
// rows before they are returned, and the threads of all rows when the first row needs its own. So
// nearly all fields are plain, and the library resolves them without goroutines.
//
// Input is received unchecked and validated here ([Error] with BAD_USER_INPUT and the field's
// name). Errors of the store are returned with a code or, if they are faults, logged and returned
// as INTERNAL_SERVER_ERROR without the cause.
//
// # Cursors, positions, handles
//
// A cursor is a position in the order of a list, signed together with everything that defines the
// list: field, filters, interval, order, rights. It contains the position in the log at which the
// first page was read.
//
// A position is a number in the log. Live positions are read before rows, and
// the projector writes them after rows, so a row that is not yet in an answer
// has a higher sequence than the answer's position: the next read with updatedSince returns it,
// whatever happened to its position in the order. An incremental read of closed conversations does
// not report a reopened conversation: it is in no list of closed ones until it closes.
//
// A handle ([Rows]) identifies which rows a bucket of metrics counted:
// interval, filter and values. It is signed, and grants no rights: its user sees only their own projects.
//
// # Metrics
//
// Conversations and contacts are counted by a statement each. The steps of the local calendar are
// computed here ([Step]), not in SQL, so that the zone's rules come from one table. Rates and
// averages are computed here, from counts and decimal sums.
package query
