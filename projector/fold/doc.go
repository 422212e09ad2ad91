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
// A fold of all events costs as much as there are, at every further event. Of a
// long conversation a [State] is kept instead, and [State.Continue] folds in what
// comes after it: the cost is that of the change.
//
//   - It continues only where the new events come after all others in fold order
//     ([schema.End] decides, from the last event alone). A late event means a fold
//     of all.
//   - The state has no messages but the latest. The rows of the others are in the
//     tables, and later events name those that they need ([State.Wants]): a message
//     of an id that may be there already, one that is deleted or read up to, and
//     what was unread before a read. So memory does not grow with the messages.
//   - What is about contacts, marks, tags, users and transactions is in the
//     state, as the row of the conversation is computed from it.
//   - A read may name a message that comes later. When it comes, messages that
//     others have read meanwhile turn out to be read earlier: a fold of all.
//
// A state continued in any parts, from any point, gives the rows of the fold of
// all: TestAContinuedFoldIsTheFoldOfAll holds it against [Of] and the reference.
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
