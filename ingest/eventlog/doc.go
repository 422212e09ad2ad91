// Package eventlog is the log: JetStream streams that hold every event in order,
// and the buckets that roles share. It is the only user of nats.go.
//
// # Streams
//
//	PARLEY_EVENTS    subject parley.events.0   every accepted event
//	PARLEY_REJECTED  subject parley.rejected   what was refused at the edge, with the reason
//
// A stream is a partition; there is one until measurements ask for more. File
// storage; a full stream refuses new messages; messages may be deleted one by
// one (erasure) or up to a sequence (retention), never by themselves unless
// MaxAge is set. What an operator changes of a stream beyond that stays.
//
// Anyone with the broker's credentials may publish to a stream, so every reader
// judges each payload again.
//
// # Plain clients
//
// Any NATS client may publish CloudEvents to parley.publish.ID, ID being the
// conversation's, in the structured mode of the NATS binding (the payload is the
// event) or the binary one (attributes in headers ce-…, percent-encoded, data as
// the payload). The ingest role receives them ([Inbox]), appends many at a time,
// and answers each as JetStream does, once it is on disk, with its sequence in
// the log. Wait for that answer: without it nothing is known. A client needs the
// permissions to publish parley.publish.> and to subscribe to its inbox, and
// nothing of JetStream.
//
//	nats pub --jetstream parley.publish.$ID "$EVENT"
//	js.Publish("parley.publish."+id, event)
//
// The public subject is not one of the stream's: where each message is synced by
// itself, nats-server 2.15.2 stores everything in the stream's queue before it
// delivers anything of it, and 30,000 messages held every reader and every append
// up for 37 s. Of the headers only ce-… and content-type enter the log. Headers
// that ask JetStream for more than Nats-Msg-Id and Nats-Expected-Stream are refused.
//
// In binary mode the structured form has the attributes in the order of their
// names, then data. Such events are judged when they are projected: a bad one goes
// to quarantine, a repeat changes nothing.
//
// # Append
//
// [Stream.Append] puts messages into the stream durably and in order. One
// message goes as it is, several as an atomic batch: all of them or none, one
// flush. A batch costs about 2.3 ms before its first message where the server
// syncs always (it is a small file store of its own there), a lone message 0.5
// ms; 1,000 messages of 375 bytes take 9 ms, 10,000 take 57 ms (two cores,
// nothing else running).
//
// # Repeats
//
// The message id is a hash of the event key. Who has appended, or called
// [Stream.Remember], knows the last quarter of a million ids and their
// sequences; those are not sent again. The server knows those of the last twelve
// seconds, which covers other processes, and resolves what a lost answer left
// open. It refuses a batch with a known id as a whole and does not say which id
// it was: then each message is asked about with a probe (see probe.go), which
// stores nothing, and the rest goes as a batch again. So an append stays all or
// nothing with repeats in it too.
//
// What is older than both is stored a second time, under its own sequence. It
// changes no table: the projector knows all keys forever.
//
// # Lost answers
//
// A batch whose answer is lost may be stored or not. Before Append gives up it
// connects again and asks; what is still open then is [ErrUnknownOutcome], and
// the next Append first reads the ids of everything stored since, so that the
// same messages are recognised however late they come again. Nothing is
// buffered while the connection is down, so that a batch is never stored after
// its sender got the answer that it was not.
//
// nats-server 2.15.2 checks its limits before it stores a batch, but a failed
// write in the middle of one leaves the first part in the stream, without an
// answer, and a restart may add the rest. An answer that the log is full is
// believed only when none of the batch's ids is found in the log.
//
// # Read
//
// A [Reader] is an ordered consumer from a sequence, without acknowledgements:
// the reader owns its position (a durable consumer redelivers old messages
// after newer ones when it comes back from a crash). It reads ahead by at most
// 48 MiB, and starts its consumer again when that is lost, silent, or alive but
// still although the stream grows. 340,000 to 420,000 messages a second of 375
// bytes in process. (Parsing the protocol by hand instead of nats.go was tried:
// 540,000 to 670,000, and a third less processor time. Worth it once reading is
// what the projector waits for.)
//
// # Damage
//
// A damaged file makes nats-server 2.15.2 leave out what it held, without a word:
// after a clean stop one message at a time, the first time it is read, while the
// next time it gives it out, wrong bytes and all; after a kill, or without its index, everything in the block from the
// first wrong byte on, which it cuts off and counts as deleted; and when that was
// the end of the log, it gives the lost sequences out again. (Its own list of
// lost messages stayed empty in every case tried; see damage_test.go.)
//
// So each message carries a sum of its payload, which readers look at, and it is
// written down, in the bucket PARLEY_LEDGER, what is gone on purpose
// ([Stream.Erase], [Stream.DropBefore]) before it goes, and four times a second
// how far the stream has come. Whatever else is missing is damage. A [Reader]
// never passes over it: it fails with a [DamageError] that names the sequences.
// [Broker.Ready] names them too: gaps within seconds of the start, single wrong
// messages once the scrub has read them, which goes through the whole stream soon
// after the start and once a day, three quarters of the time asleep. An end that was
// lost is taken up by messages that are deleted at once, so that no sequence is
// given out twice. [Stream.GiveUp] ends the matter when the messages have been
// appended again from elsewhere, or are not to be had.
//
// # Disk
//
// A message takes its payload and about 155 bytes: the record's frame, and the
// headers of the batch, the id and the sum. With Compression the server packs a block
// of 8 MiB with S2 once it is full: generated events took 114 bytes instead of
// 464, for 1.4 µs of processor time each on top of 10. It is off by default,
// for the same time buys more in front of the disk than behind it.
//
// # Buckets
//
// A [Bucket] is a NATS key-value bucket: small values with revisions, compare
// and set, expiry of single keys, and a watch that outlives the connection. The
// server only forgets where a replaced or deleted value is stored; a bucket
// with personal data overwrites it on disk ([BucketConfig]). Buckets are in an
// account of their own where [Options] name one, so that nobody who may
// administer the log reaches them. Those that hold secrets are sealed: the key
// is not on the server. A bucket that an earlier version kept in the log's
// account, or in clear, is taken over once, when it is first opened, and its
// files are removed.
package eventlog
