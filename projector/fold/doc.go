// Package fold computes the rows of a conversation from its events: section 3 of the contract.
//
//	rows := fold.Of(records)
//
// [Of] is a pure function from the set of a conversation's events to its rows. It
// takes no context, clock, logger or error, and it is total: it accepts every valid event, in any
// order and number. The contract's promises about late, duplicate and out-of-order events follow
// from that: the same events always produce the same rows. The package imports only the schema and
// the decimal library; the import test enforces that.
//
// # The flow
//
// The records are sorted, each event once ([schema.InOrder]). The fold walks them one by one and
// passes each to the parts it concerns. Each part is one file with its own state, and fills in its
// fields of the rows at the end:
//
//	lineage   the events folded in, and when the conversation began
//	opening   channel, language, initiator, visitor, campaign, custom data
//	contacts  the contacts, from push to ending, with their routing
//	closing   whether the conversation is closed, since when, and how often reopened
//	thread    messages, and the marks between them
//	survey    the answers of the visitor
//	tags      the tags that are set
//	users     the operators who took part
//	sales     transactions and revenue
//	measures  what is computed from the rest: durations, and abandonment
//
// Within one event, the contacts are processed before the conversation, because a push must see
// whether the conversation is closed.
//
// # Continued folds
//
// Folding all events again costs more with every event. For a long conversation a [State] is kept
// instead, and [State.Continue] folds only the new events: the cost is that of the change.
//
//   - It continues only if the new events come after all others in fold order ([schema.End] decides, from the last event alone). A late event requires a fold from a state before it, or of all events.
//   - A state never changes, so an earlier one can be kept: [State.Again] continues from it with all events since then, although the tables have later messages.
//   - The state has only the latest messages. The rows of the others are in the tables, and [State.Wants] returns those that new events need: a message whose id may already exist, one that is deleted or read up to, and those unread before a read. So memory does not grow with the messages.
//   - Contacts, marks, tags, users and transactions are in the state, because the row of the conversation is computed from them.
//   - A read may name a message that arrives later. When it arrives, messages may turn out to have been read earlier: that requires a fold of all events.
//
// [Pieces] folds all events of a conversation that are too many to be in memory together: piece by piece in the order of
// time. Only what the rows are made of stays in memory, and of the texts those that are asked for. For a state alone it is the place
// in the thread of each message, under a hash of its id: some 40 bytes.
//
// A state continued in any parts, from any point, yields the rows of the complete fold:
// TestAContinuedFoldIsTheFoldOfAll compares it with [Of] and the reference.
//
// # Invariants
//
//   - Equal sets of events produce deeply equal rows, whatever their order.
//   - A record whose event key is already present with a lower sequence changes nothing.
//   - At most one contact is open, and it is the last; a closed conversation has
//     none.
//   - The argument is not modified. The rows share strings and data with it, so neither may be modified afterwards.
//
// The choices that the contract leaves open are listed at [Of]. Transcripts in
// testdata show every rule, each with the sentence it comes from (-rewrite renews
// them); a second fold, written definition by definition (projector/reference), must agree on all
// events that projector/foldtest generates.
package fold
