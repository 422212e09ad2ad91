// Package memory keeps the Go heap small.
//
// Go's collector lets the heap grow to twice what is live, and returns memory to the
// system slowly. Next to a ClickHouse on the same machine that is wasteful: so the
// heap has a limit, and what a burst has left over is returned in quiet times.
package memory
