// Package backup is the format of backups: a folder, or a bucket of an object store, that holds any
// number of them.
//
//	backups/ID.json     what one backup consists of, see [Manifest]; ID is the time at which it began
//	objects/AB/HASH     the content of a file, compressed with zstd; HASH is the SHA-256 of the content
//
// A file whose content is there already is not stored again, so every backup is incremental and
// complete at the same time, and any of them can be restored without the others. The manifest is
// written last: a backup that was interrupted does not exist, and the objects that it wrote are used
// by the next one. Nothing is ever rewritten.
//
// # What a backup is
//
// Of the log and the buckets, the messages with their sequences and times of receipt, in files of 1,024
// sequences: only files in which something was appended or erased since differ from those of the
// backup before. Of the tables, the files of ClickHouse's BACKUP. Copied are, in this order,
//
//	buckets      with keys, users, webhooks, opening hours: they may refer to events
//	positions    of the live version of the tables
//	tables       of the live version
//	log          of events, then of rejected ones
//	ledger       what of the logs is gone on purpose
//
// so the tables may contain more than the positions say, which projecting again makes right, and the
// log is never behind them. The projector continues from the positions.
//
// # Why the tables are in it
//
// They could be left out (--without-tables), because the log is the truth and they can be rebuilt
// from it. They are in it because the archive of events in them is the only copy of what retention
// has dropped from the log, and because projecting a large log again takes long: the figures are in
// deploy/OPERATIONS.md. ClickHouse's own BACKUP was preferred to reading rows: it copies immutable
// files, which are the same in the next backup as long as they were not merged, and it brings along
// the structure of the tables that the migrations of a newer binary continue from.
//
// # Buckets
//
// Anything that speaks the protocol of Amazon S3 will do: an object appears completely or not at all,
// which is all that the format needs. An object is sent when its hash is known, so its content is in a
// file of the data dir until then. Reading continues on a new connection where one breaks, after what was read. A
// bucket that cannot be reached is not a damaged one: see [UnavailableError].
//
// # Damage
//
// The name of an object is the checksum of its content, a manifest contains its own, and names the
// backup before it. [Repository.Verify] reads everything and names each file that is damaged or
// missing. A restore reads all files first, and makes nothing of a damaged backup.
//
// # Personal data
//
// A backup contains what was erased after it. So each manifest lists the conversations of all
// erasures up to then, and a restore repeats those that came after the backup, as far as later
// backups in the same place know of them.
package backup
