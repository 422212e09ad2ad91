// Command bench measures the pipeline against its floors: what the two engines achieve by
// themselves with the same bytes, rows and statements.
//
//	make bench
//	BENCH_EVENTS=1000000 make bench LINES=c,d
//
// Every line is a figure of Parley, the floor measured alternately in the same run, and the ratio
// of the two. Both are medians of the rounds, with the lowest and the highest in brackets. The
// table goes to .build/bench.md, the same as JSON to .build/bench.json. A line that could not be
// measured says why in both, and makes the command fail.
//
// # Lines
//
//	a  durable ingest over HTTP, 1,000 events a request, against atomic publishing of the same bytes
//	b  ingest of single events from 64 connections, against single publishing from as many
//	c  catch-up from the log to rows, against C: the slower of reading the log and inserting the same blocks
//	d  replay of the whole log, against C
//	e  freshness: accepted until visible in GraphQL
//	f  GraphQL pages, against the same statements sent directly
//	g  queries a second, against the same statements at the same concurrency
//	h  bytes, memory and processor time
//	i  growth: c and memory at ten times the events
//	j  ingest of single events beside eight deep queries of one key, against the same without them
//	k  pages of customers, against the same statements
//	l  figures of a year of conversations, against the time that an answer may take
//	m  1,000 readers of a stream, and of a subscription, while 100 conversations change a second
//	n  end to end: from HTTP until the row is visible, at the rate that the tables keep up with
//	o  a further event of a conversation of many messages: in order, late, and after a start; other conversations beside it; memory
//	p  figures of a year as of 1 and 90 days back, the first time and after, against the same of the present
//	q  restatements of a month by day, against the time that an answer may take
//	r  what each view of the page at / asks about a year, against the time that an answer may take
//
// # Engines
//
// They are the real engines of `parley serve`: NATS inside this process, synced at every write, and
// ClickHouse as a child. Every line restarts them on an empty directory. Only h, i, j, m, n and o run the
// binary `parley` itself, to separate its memory from that of the measurement.
//
// # What the page asks
//
// views.json has the documents of line r as the page sends them; a test of the page (query/web/test) fails when it asks others, and
// writes them with REWRITE=1.
//
// # The floor of inserts
//
// A catch-up is run once beforehand while its requests to ClickHouse are kept. The floor sends the
// same bytes again to tables of another version: per batch all inserts at once and the next batch
// when all are answered, without the order of stages and without encoding.
package main
