// Package porttest says what the loop relies on in a Log, a Sink and an Archive,
// as tests that any implementation can be put to: [Logs] and [Sinks].
//
// It also has the simplest implementations, in memory: [Log] and [Tables]. The
// tables behave as ClickHouse's do: rows with one sort key replace one another
// by version, a row at another sort key is kept beside it, and a write can be
// cut off between any two inserts. So tests of the loop against them find what
// would go wrong with the real ones.
//
// Only tests use the package.
package porttest
