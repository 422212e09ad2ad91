// Package eventlog is the log: JetStream streams that hold every event in order,
// and the buckets that roles share. It is the only user of nats.go.
//
// # Streams
//
//	PARLEY_EVENTS    subject parley.events.0   every accepted event
//	PARLEY_REJECTED  subject parley.rejected   events refused at the edge, with the reason
//
// A message of a stream is a record of 1 to 4,096 events: package record describes its format, and how
// a record's number and the index of an event in it make up the event's sequence. A stream that an
// earlier version began goes on with records; the sequences that it has given out stay valid.
//
// A stream is a partition; there is one until measurements ask for more. File
// storage; a full stream refuses new messages; records are deleted one by one (erasure) or up to a
// sequence (retention), and never automatically unless MaxAge is set. Other changes that an
// operator makes to a stream are kept.
//
// Anyone with the broker's credentials may publish to a stream, so every reader validates each payload again.
//
// # NATS publishers
//
// Any NATS client may publish CloudEvents to parley.publish.ID, ID being the
// conversation's, in the structured mode of the NATS binding (the payload is the
// event) or the binary one (attributes in headers ce-…, percent-encoded, data as
// the payload). The ingest role receives them ([Inbox]), appends many at a time, and answers each
// like JetStream, with its sequence in the log, once it is on disk. Wait for that answer: without
// it the outcome is unknown. A client needs only the permissions to publish to parley.publish.> and
// to subscribe to its inbox.
//
//	nats pub --jetstream parley.publish.$ID "$EVENT"
//	js.Publish("parley.publish."+id, event)
//
// The public subject does not belong to the stream: if each message is synced individually,
// nats-server 2.15.2 stores everything in the stream's queue before it delivers any of it, and
// 30,000 messages blocked every reader and every append for 37 s. Of the headers, only ce-… and
// content-type enter the log. JetStream headers other than Nats-Msg-Id and Nats-Expected-Stream are
// refused.
//
// In binary mode the structured form has the attributes in the order of their
// names, then data. Such events are validated when they are projected: an invalid one goes to
// quarantine, a duplicate changes nothing.
//
// # Append
//
// [Stream.Append] puts events into the stream durably and in order, in as few records as possible. A
// single record is published as it is, several as an atomic batch: all or none, with one flush.
//
// # Duplicates
//
// The message id is a hash of the event key. A process that has appended, or called
// [Stream.Remember], knows the last 250,000 ids and their sequences; those are not sent again. Any
// other duplicate is stored again, under its own sequence. It changes no table, because the
// projector knows all keys forever.
//
// # Lost answers
//
// A batch whose answer is lost may be stored or not. Each record has a random id, so before Append
// gives up, it reconnects and looks for its records; if the outcome is still open, the error is
// [ErrUnknownOutcome], and the next Append first reads everything stored since, so that the same
// events are recognised however late they are sent again. Payloads that are no events are the
// exception: they have no id that could be read from the log. Nothing is buffered while the connection
// is down, so a batch is never stored after its sender was answered that it was not.
//
// nats-server 2.15.2 checks its limits before it stores a batch, but a write that fails in the
// middle of a batch leaves the first part in the stream, without an answer, and a restart may add
// the rest. An answer that the log is full is trusted only if none of the batch's records is found in
// the log.
//
// # Read
//
// A [Reader] is an ordered consumer from a sequence, without acknowledgements:
// the reader owns its position (a durable consumer redelivers old messages after newer ones when it
// recovers from a crash). It reads ahead by at most 48 MiB of records as they are stored, decodes one
// at a time, and restarts its consumer if it is lost, silent, or delivers nothing although the
// stream grows.
//
// # Erasure
//
// [Stream.Erase] deletes a record and overwrites it on disk. What is left of it is stored before, in the
// bucket PARLEY_REWRITTEN, under the same sequences; readers look there for what the stream does not
// return, so order and positions stay as they were.
//
// # Damage
//
// nats-server 2.15.2 silently skips what was in a damaged file. After a clean stop it skips one
// message the first time it is read, but returns it the next time, with the wrong bytes. After a
// kill, or without its index, it truncates the block at the first wrong byte and counts the rest as
// deleted; if that was the end of the log, it assigns the lost sequences again. (Its own list of
// lost messages stayed empty in every case tried; see damage_test.go.)
//
// So each record carries a checksum of its payload, which readers verify, and the bucket
// PARLEY_LEDGER records intended deletions ([Stream.Erase], [Stream.DropBefore]) before they
// happen, and four times a second the last sequence of the stream. Everything else that is missing
// is damage. A [Reader] never skips it: it fails with a [DamageError] that names the sequences.
// [Broker.Damaged] names them too: gaps within seconds of the start, single wrong messages once the
// scrub has read them. The scrub reads the whole stream soon after the start and once a day,
// sleeping three quarters of the time. A lost end is filled with messages that are deleted
// immediately, so that no sequence is used twice. [Stream.GiveUp] accepts the loss once the
// messages have been appended again from elsewhere, or cannot be recovered.
//
// # One log
//
// A stream has an identity, a random text in its metadata, which every copy of it has too. The
// ledger is kept by the same server, and goes back with it when an older copy is restored. So the
// identity and the last acknowledged sequence are also recorded in a file of the data dir
// ([Options.Notes]), after they are in the ledger. A stream is the one that was written before if
//
//	its identity is the one in the notes, or it has replaced that one ([Stream.Adopt])
//	the ledger or the stream has reached the sequence in the notes: otherwise it is an older copy
//	nobody has disowned it: the projector does if the tables were made from another log
//	([Stream.Disown])
//	at most 100,000 messages of its end are lost
//
// If not, the stream accepts no events ([ForeignError]) until an operator decides which log counts,
// so that no sequence is assigned twice. A stream without an identity, or without notes, is
// accepted, and has both from then on. The file is not synced: after a power loss it may be older,
// which only means that less is known. With a sync interval it may be newer than the server's
// files, and a power loss that takes the last second of the log then counts as an older copy.
//
// # Clusters
//
// In a cluster with [Options.Replicas] above one, a message is acknowledged when most of the servers that
// hold a copy have it. What is acknowledged is in the copy of the stream's leader; the other copies may lack it
// for a moment. So the state of a stream, its single messages and the values of buckets are read from the
// leader ([Broker.ask]): a record that is missing elsewhere would count as damage, an erasure as done, a
// revoked credential as valid. A copy that answers without a leader is not believed. Readers' consumers may be on any
// server: what they deliver is never too much, and what they lack is compared with the leader.
//
// When a leader dies, the others elect one after 4 to 9 seconds (nats-server 2.15.3). A request that is sent
// meanwhile is never answered, and the client would wait until its context ends. So each
// has a timeout, and those that may be repeated are sent again after two seconds ([Broker.ask], [api]); an append whose
// answer is lost finds out whether it is stored, as above. [Open] and [Broker.Bucket] wait for an election.
//
// # Disk
//
// A record takes its compressed payload plus about 300 bytes. With Compression, the server compresses
// blocks of 8 MiB with S2, which is of use only for records of few events: see package record.
//
// # Buckets
//
// A [Bucket] is a NATS key-value bucket: small values with revisions, compare-and-set, expiry of
// single keys, and a watch that survives reconnects. The server does not erase a replaced or
// deleted value on disk; a bucket with personal data overwrites it ([BucketConfig]). Buckets are in
// a separate account if [Options] name one, so that users who may administer the log cannot reach
// them. Those with secrets are encrypted: the key is not on the server. A bucket that an earlier
// version kept in the log's account, or in clear text, is migrated when it is first opened, and its
// files are removed.
package eventlog
