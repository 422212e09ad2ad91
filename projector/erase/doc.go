// Package erase takes the personal data of a visitor, or of one conversation, out
// of the logs, the archive and the tables. The anonymous figures stay, and stay
// through every replay.
//
// # How
//
// A message of the log cannot be changed. So each event that holds personal
// data is appended again, without it and with the same key (source and id),
// and then the old message is overwritten on disk and deleted. A conversation's
// figures are a function of the set of its events and not of their places in
// the log: they do not change. What does change is lineage (first_sequence,
// last_sequence, the sequences of explain) and received_at, because the
// redacted events are at the end of the log now.
//
//	search    the whole log (what retention has dropped: out of the archive) for the
//	          conversations and all their messages: duplicates, what never was a
//	          valid event, and redacted copies of an erasure that was cut off
//	append    the redacted copies
//	erase     what they were made of; what names the visitor comes last
//	rewrite   an empty version of the tables gets the conversations as the redacted
//	          events fold, then everything else as the live version has it, then the
//	          positions that the live version had before the search
//	swap      the version catches up and is made live, as after a replay
//	drop      every other version: they hold what was erased, so no replay from
//	          before can be undone
//
// The live projector continues throughout. To it the copies are duplicates of
// known keys and change nothing. The new version has no keys of the erased
// messages, and those of the copies under their own sequences. Its tables are
// copied one after the other; what is above its positions was left by an
// interrupted batch, and is projected again. The swap starts a projector with
// an empty cache, so that no fold from memory brings anything back.
//
// # Interruption
//
// The same erasure can be repeated after any step. Copies without the erasure
// of the originals are duplicates. Originals that are erased have copies, which
// the search finds in the log by their being redacted already. A version
// without positions is dropped by the next erasure, and a replay can continue
// with it from the beginning of the log. What names the visitor is erased from
// the log last, and the search looks into the tables of all versions too: so
// the conversations are found again.
//
// # What is erased
//
//	visitor       externalId, firstName, lastName, email, phone; the id becomes
//	              erased-<random>, the same one in all conversations of one erasure and
//	              in nobody's memory: how many visitors there were can still be counted
//	customers     the events of the profile as wholes: nothing of them is a figure. What the
//	              conversations add up to stays, under the visitor's new id
//	sellers       e-mail and phone, with --conversation and the subject of the seller
//	messages      text, of both sides; the visitor's id as the author
//	satisfaction  the comment becomes the empty one: that there was one is a figure
//	customData    all keys and values
//	unknown       attributes and members that parley does not know
//	quarantine    entries that seem to belong to the conversations: by their project and
//	              conversation as far as these can be read, or by the id of the visitor
//	              or the conversation in their bytes
//
// --visitor means all conversations in which the visitor takes part, by an opening
// or as the author of a message, as wholes.
//
// # What remains
//
//	log           ids of events, messages, transactions and orders, source, times, types,
//	              operators (their names too: they are staff), routing, tags, close
//	              reasons, campaign, language, amounts. A sender who puts personal data
//	              into one of these has to be asked not to
//	              an id given to two events in two conversations: the other one may count
//	              after a replay
//	log files     messages are overwritten with random bytes in their block; what the file
//	              system keeps of older blocks (snapshots, a block rewritten elsewhere, flash
//	              wear levelling) is the operator's. Memory of the server until it is used again
//	ClickHouse    files of dropped versions are deleted with them. Blocks of the file system
//	              as above
//	senders       a sender that sends an erased event again puts it into the log again; no
//	              table takes it up, because its key is known (but of a customer's profile,
//	              of which no key stays). Run the erasure again
//	elsewhere     backups and exports, dashboards' caches, other consumers of the stream,
//	              what is captured of the GraphQL API, logs of proxies in front
//
// # Cost
//
// Two readings of the log (three for a visitor) and one copy of the tables, which
// needs as much disk as the tables until the old ones are dropped.
package erase
