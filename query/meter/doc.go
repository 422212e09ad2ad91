// Package meter counts what one request uses, and stops it at its limits.
//
// # The flow
//
//	transport    makes a [Meter] for each request and puts it into its context
//	library      notifies [Tracer] of every field before it is resolved: its name,
//	             its price, its share in objects
//	resolvers    call Write with the length of each text that they return
//	query/store  calls Load with the size of each row, and Read with the rows that
//	             ClickHouse read
//	transport    charges Points, whatever the end of the request
//
// # Stopping
//
// A request is stopped when its answer or its rows exceed their size limit, and when its context
// ends. The GraphQL library cannot be made to stop; it recovers from panics, one for each of its
// goroutines. So a meter that is stopped panics with [Stopped] at the end of the next field, in
// every goroutine that builds the answer. What was built until then is dropped.
//
// Answers are built in turns: see [Turns].
//
// All methods may be called concurrently, and on a nil Meter, which counts nothing
// and never stops.
package meter
