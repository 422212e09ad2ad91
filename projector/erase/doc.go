// Package erase removes the personal data of a visitor, or of one conversation, from the logs, the
// archive and the tables. The anonymous numbers stay, also through every replay.
//
// # How
//
// A record of the log cannot be changed. So each event that holds personal
// data is appended again, without it and with the same key (source and id),
// and then the old event is erased: its record is overwritten on disk and deleted, after what is
// left of it was stored beside the log; the other events in it keep their sequences. A conversation's numbers are a
// function of the set of its events and not of their positions in the log: they do not change. What
// changes is the lineage (last_sequence, the sequences of explain) and received_at,
// because the redacted events are at the end of the log now. Each keeps the sequence that it had first in the
// attribute parleyorigin: first_sequence stays, and so do the figures as of an earlier position.
//
//	search    the whole log (events dropped by retention: the archive) for the conversations and all their messages: duplicates, invalid events, and redacted copies of an interrupted erasure
//	append    the redacted copies
//	erase     the originals; those that name the visitor come last
//	rewrite   fill an empty version of the tables with the fold of the redacted events, then everything else from the live version, then the positions that the live version had before the search
//	swap      the version catches up and is made live, as after a replay
//	announce  append the last redacted event of each conversation once more: it replaces its copy, and readers that follow the rows are told (query/stream)
//	drop      every other version: they contain what was erased, so no earlier replay can be undone
//
// The live projector keeps running. To it the copies are duplicates of known keys and change
// nothing. The new version has no keys of the erased messages, and those of the copies under their
// own sequences. Its tables are copied one after the other; rows above its positions were left by
// an interrupted batch, and are projected again. The swap starts a projector with an empty cache,
// so that no fold in memory restores anything.
//
// # Interruption
//
// The same erasure can be repeated after any step. Copies without the erasure
// of the originals are duplicates. Erased originals have copies, which the search recognises in the
// log because they are redacted. A version without positions is dropped by the next erasure, and a
// replay can continue with it from the beginning of the log. Events that name the visitor are
// erased from the log last, and the search also covers the tables of all versions, so the
// conversations are found again.
//
// # What is erased
//
//	visitor       externalId, firstName, lastName, email, phone; the id becomes
//	              erased-<random>, the same one in all conversations of one erasure, and stored nowhere: visitors can still be counted
//	customers     the complete events of the profile: they contain no numbers. The sums over the conversations stay, under the visitor's new id
//	sellers       e-mail and phone, with --conversation and the subject of the seller
//	messages      text, of both sides; the visitor's id as the author
//	satisfaction  the comment becomes the empty one: that there was one is a number
//	customData    all keys and values
//	unknown       attributes and members that parley does not know
//	quarantine    entries that appear to belong to the conversations: by their project and conversation if these can be read, or by the id of the visitor or the conversation in their bytes
//
// --visitor means all complete conversations in which the visitor takes part, by an opening or as
// the author of a message.
//
// # What remains
//
//	log           ids of events, messages, transactions and orders, source, times, types,
//	              operators (their names too: they are staff), routing, tags, close
//	              reasons, campaign, language, amounts. A sender must not put personal data into these
//	              an id given to two events in two conversations: the other one may count
//	              after a replay
//	log files     messages are overwritten with random bytes in their block; old blocks kept by the file system (snapshots, a block rewritten elsewhere, flash wear levelling) are up to the operator. Memory of the server until it is used again
//	ClickHouse    files of dropped versions are deleted with them. Blocks of the file system
//	              as above
//	senders       a sender that sends an erased event again puts it into the log again; no table contains it, because its key is known (except for a customer's profile, of which no key stays). Run the erasure again
//	elsewhere     backups and exports, dashboards' caches, other consumers of the stream,
//	              recorded answers of the GraphQL API, logs of proxies
//
// # Cost
//
// Two reads of the log (three for a visitor) and one copy of the tables, which needs as much disk
// space as the tables until the old ones are dropped.
package erase
