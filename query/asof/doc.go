// Package asof answers questions as of an earlier position of the log: exactly what the same
// question answered when the projection stood there.
//
// # Why it is possible
//
// The rows of a conversation are a pure function of its events (projector/fold), and every event has
// a position in the log that never changes. So the rows as of a position P are the fold of the
// events up to P, and comparing the lineage of a conversation with P says which those are:
//
//	last_sequence ≤ P                    the rows of the tables
//	first_sequence > P                   none: there was no such conversation
//	first_sequence ≤ P < last_sequence   it straddles P: fold its archived events up to P
//
// Only the last kind costs anything. There are as many as were under way at P or have changed
// since: the cost does not follow the age of P.
//
// # The overlay
//
// An [Overlay] is the folds of the conversations that straddle a position, within the projects of a
// question. It is made of two reads, [Tables], and lives in the memory of this process. Each
// statement is sent with the overlay as temporary tables, and reads in place of a table
//
//	its rows up to P, without those of straddling conversations
//	UNION ALL the rows of the overlay
//
// That is one mechanism for all statements (query/store rewrites the name of the table), and it needs
// no right to write: the temporary tables are part of the request and end with it. Only columns that
// the statement names are sent. Their making takes less than a millisecond for a hundred conversations, and is not worth a cache.
//
// The version of a row is the sequence of an event of its conversation. So rows of straddling conversations are told by the versions
// that they can have, the sequences of the events up to P, and the statement needs not read the ids of all others.
//
// # Conversations that are behind
//
// While the rows of a large conversation are behind its events (package projector), answers report a position before the first of these
// events, and contain newer rows of other conversations. The same question as of that position gives the rows of that position: only
// then is it not what was answered at the time.
//
// # While the tables change
//
// A conversation starts to straddle P with its first event after P, and from then on the tables have
// no row of it up to P. So after each statement the overlay looks for conversations that straddle
// P now and did not ([Overlay.Complete]); if there are any that the statement was not sent with, they are folded and it is
// run again, also if another statement has found them. The overlay
// remembers up to which position of the projection it knows them: a look reads only rows above. That position may be a second old.
// If nothing new is found after the statement, nothing was missing in it. An export is looked at once its answer has
// started: then the statement has taken the state of the tables that it reads.
//
// # Erasure, replay
//
// An erasure appends the events of a person again without their personal data, and with the position that
// they had, Origin of schema.Event: folds as of P take it as the event's position. So an erased
// conversation keeps its figures as of any position, and what was erased is not in them. Events
// erased by a release that did not write Origin yet count from their erasure on.
//
// An overlay belongs to a version of the projection. When another one becomes live (after a replay
// or an erasure) the [Cache] drops those of the others at the next question; one that nobody uses is
// dropped after [Idle]. So what was erased is in no memory for longer.
//
// # Limits
//
// An overlay holds at most [MostConversations] conversations with [MostBytes] of events, and is
// refused above that: the message says to ask of fewer projects. The cache holds [MostCached] bytes
// of events. One goroutine at a time completes an overlay; its reads are statements of the
// request, with its time limit, and are charged to its caller.
//
// # Restatements
//
// What differs between two positions, the field restatements of GraphQL, is made of the same parts:
//
//	figures   as of both positions, compared: closed conversations and contacts of the steps in which a changed conversation counts
//	          differently, states over time of all steps between the first and the last of these
//	causes    each changed conversation counted on its own: before, from the overlay of the earlier position alone
//	          (Straddling of query.Scope), and after, of all rows of conversations with events above that position (Since). A contact
//	          that has not been written since counts on both sides: like straddling rows, it is found by its version
//	events    of these conversations between the positions, by type
//
// A conversation changed a figure if what it adds to the figure's counts or distributions is not the same before and after.
//
// # What is not as of a position
//
// Customers and sellers add up conversations in rows of their own, and have no past here: a question
// as of a position that selects them is refused.
package asof
