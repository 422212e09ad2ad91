// Package memory keeps the Go heap small.
//
// Go's collector lets the heap grow to twice what is live, and returns memory to the
// system slowly. Next to ClickHouse on the same machine that is wasteful, so the heap has a limit,
// and memory left over from a burst is returned in quiet times.
package memory
