// Package sink writes the projector's rows into ClickHouse and reads archived
// events back. It is the [projector.Sink] and [projector.Archive] of `parley`.
//
//	t, err := sink.Dial(ctx, sink.Server{URL: …, User: …, Password: …})
//	err = t.Up(ctx) // or t.Check: see projector/tables
//	live, err := t.Live(ctx)
//	s, err := sink.Open(ctx, t.Conn(), sink.Options{Projection: live})
//
// A sink writes one projection and is for one goroutine at a time. Several sinks
// may share a connection.
//
// # Write
//
// A batch is written in stages. Each is on disk before the next begins, but for customers and events, which are written at the same time:
//
//	rows        conversations, contacts, messages, transactions and what else a fold has
//	strays      rows of replaced conversations that these do not replace are removed
//	customers   made of what three statements read back, of the rows of the stages before
//	events      the archive, and events_by_time, its events in the order of their time
//	keys        event_hashes, one row per new event: none for events whose rows were rejected
//	quarantine  what was rejected
//	position    the sequence of the log that the tables have reached
//
// Each table with rows gets one insert, which is one block and therefore one part: it is written
// completely or not at all. Rows of more than 8 MiB (of the archive 32 MiB) become several blocks, inserted one after the
// other: this limits the cost of an insert for the server, however large the rows of a batch are.
// The inserts of a stage run concurrently. All blocks are encoded, on all processors, before the first is sent,
// so that a value that no column accepts leaves nothing of the batch behind; only those of customers are made on the way, of values that
// columns have accepted.
//
// For a changed conversation, its row is always written to conversations, and the rows that differ
// from before to the other tables. The version of every row is the last sequence folded in, and its
// sort key never changes (schema/clickhouse/SORT_KEY.md): an older row is replaced by a newer one or
// has no effect, in whichever order they arrive. Of rows with the same key and version the one
// inserted last counts; they are equal, because a fold is a function of the events.
//
// One row has to be taken back: that of customer_conversations, when an opening turns out to be
// earlier than the one that named the visitor. Its key has the customer, and gets a row with
// _deleted = 1.
//
// # Rows of other batches
//
// A batch that ends between two stages leaves rows ahead of the position; an insert that was
// abandoned here may be completed on the server later, and so may one of a process that stood still
// and was replaced. In the tables is then, for a while, a fold between those of the batches that
// repeat the events, or a newer one. So while the log is not past the end that it had when the
// position was read, nor past what the tables held then (a contested batch), all rows of a conversation
// are written, also those that do not differ from before: an edited text may be what it was again. And
// the conversation is taken from every other visitor that an opening names. A contested batch of a long conversation is folded from
// all its events: the messages in the tables may be newer than the position. There are at most five
// such batches after a start, and those with events that the tables held rows of.
//
// A batch that the tables reject may have stored rows, and even archived events, before one of its
// inserts was refused. When the event that is to blame goes to quarantine, the batch replaces its
// conversation: all its rows are written, then whatever rows there are with other keys or with higher
// versions are removed, and the event with its key from the archive. So it is with the conversation of
// a later event of the same key, which counts then, if the tables hold rows from beyond the position:
// they may have been made without it, and it may be the first event, which has the sort key. An insert with that event that
// completes only after this is not noticed; verify finds such rows.
//
// TestInterruptedBatchesLeadToTheSameTables, TestAnEventThatIsRefusedInPartLeavesNothing, TestBatchesThatArriveLateDoNoHarm and
// TestAnOlderRowNeverStandsBesideANewerOne show it.
//
// # Known
//
// An event key is 128 bits of SHA-256 over project, source and id in event_hashes. A
// Bloom filter of the table's keys is kept in memory, so that new events need no lookup, except for
// the one in a hundred that the filter cannot distinguish from a known one. The filter is read from
// the table at the first
// [Sink.Known], when it is full (it has room for half as many keys again), and
// when another process was seen to have moved the position; keys are in it
// before they are written. It takes 10 to 15 bits a key, and at most 400 MiB: 18 MiB for 10 million
// keys, read in a second; 179 MiB for 100 million. From 220 million keys on there are fewer bits for each, and more new
// events are looked up in the table: a fifth of them with 1,000 million keys, with far more all (BenchmarkFilter).
//
// # Recall
//
// The requested keys are sent as an external table in the body of the query, 2,000 per statement:
// as a parameter 10,000 of them would not fit into a URL. The primary key of events serves the
// lookup. Each key costs a granule, so what the filter knows to be new is not requested: it holds
// the conversations of all archived events too.
//
// # Messages
//
// A fold that is continued asks for the rows of the messages that its events
// name: by id, one lookup in the primary key of messages for all conversations
// of a batch; and where a read covers more than the state holds, by place in
// the thread.
//
// # Errors
//
// [projector.UnwritableError] is a value that ClickHouse or its driver refuses;
// its text names the column or the code and never the value.
// [projector.TooLargeError] is a lack of memory, or a limit on the size of a statement. An error with a
// method Temporary() that is true is transient: network, timeouts, memory, too
// many parts, an unavailable keeper. Any other error needs an operator: rights, missing tables, a
// wrong address. Both can be retried.
//
// # Replicated tables
//
// The tables are those of the one server that the URL names, and are not replicated: deploy/SCALE.md has what was tried. A URL of several
// servers is refused; one behind which several take turns is not noticed, and leads to tables of each.
// If you replicate the tables yourself, as a standby, repeat it after each replay and erasure, which
// make new ones, and make inserts wait for a quorum and reads see it, by parameters
// of the URL that go with every statement:
//
//	clickhouse://HOST:9000?insert_quorum=auto&insert_quorum_parallel=0&select_sequential_consistency=1
//
// Without them a fold read back from a lagging replica would lose events.
//
// # Blocks
//
// A block is encoded directly in the Native format, column by column, and sent without further
// copies: as the body of a request over HTTP, or as the data of an insert over the native protocol,
// with ch-go, because clickhouse-go accepts prepared blocks only over HTTP. [Open] compares the
// types of all columns with the tables': the format does not check them. A sink keeps only small
// buffers for the next batch.
//
// # Measured
//
// On 2 cores, embedded ClickHouse 26.7, HTTP on loopback, batches of whole
// conversations of 14 events each (BenchmarkWrite); the floor is the same blocks, encoded
// beforehand and sent one by one:
//
//	conversations  events  one batch   floor
//	            1      12      40 ms   58 ms
//	          100   1,400      52 ms   74 ms
//	        1,000  13,700     100 ms  131 ms
//
// fsync takes a tenth to a fifth of that. Recall reads 210,000 events a second for 10,000
// conversations, including decoding; Known takes 6 ms for 10,000 new keys, and 80 ms when all are
// known. Twelve conversations of 1,000 tags and 300 contacts, 27 MB of rows, need less than 100 MB
// a statement in the server.
//
// One more message in a conversation (BenchmarkLongConversation), in ms from the log
// into the tables: 57, 77 and 47 of 1,000, 10,000 and 100,000 messages where the
// fold is continued; 97, 312 and 2,403 for a late one.
package sink
