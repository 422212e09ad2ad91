// Package cells turns the rows of a fold into columns of ClickHouse's Native format
// (https://clickhouse.com/docs/interfaces/formats/Native): of each column, the values of all rows one
// after the other. It is the one place that says which value of a fold is in which column.
//
//	block, buffer, err := cells.Encode(buffer, cells.Conversations(), rows, most)
//
// The columns write straight into the body of an insert: those of the libraries hold all of it again, for
// as long as a connection lives, before it is encoded. Measured for rows of the events table
// (BenchmarkEncodeEvents of projector/sink), CPU seconds a million rows, memory kept for the next
// block: 0.15 to 0.18 here, 0.34 to 0.52 with the columns of ch-go, 1.1 to 1.7 and 109,000
// allocations a block of 14,000 rows with those of clickhouse-go.
//
// Like the fold it is a leaf: the projector stores these rows, and queries as of an earlier position
// (query/asof) read them beside the stored ones.
package cells
