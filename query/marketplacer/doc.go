// Package marketplacer implements the schema of seller chats (schema/graphql/marketplacer.graphql),
// which is that of Marketplacer's in-app chat. Package query/transport serves it over HTTP.
//
// # What a chat is
//
// Each seller of a project has one chat, whose conversation is the subject of the
// seller's profile events (schema.ProfileSubject). All keys write to this one thread: VISITOR
// messages are the seller's ("User"), all others the operator's ("Admin"). A seller exists once a
// profile event about it is in the tables.
//
// # Who sees what
//
// A caller with the role operator sees the sellers of its projects, one with the role seller only
// itself: an id is restricted to what the caller may see before anything is read, so that a foreign
// one cannot be distinguished from a missing one. If sellers of several of an operator's projects
// have the same id, it is ambiguous, and the error says so.
//
// # Texts
//
// Texts of messages are read from the archive of events, for the messages of a page
// only: the table of texts is empty without --store-text. So the chat shows the texts of the
// events, and erased texts are empty.
//
// # Mutations
//
// A mutation appends events ([Log]), waits until the tables that answer have
// reached them, so that every later read sees them, and answers from them. If that takes longer
// than [Config.Patience], the answer has status 202 and an error. What mutations need to know about
// sellers is read for all waiting mutations in one statement. With clientMutationId, the id of the
// message is derived from it and the caller, so that a repeat is the same event; another text under
// the same clientMutationId is refused with status 409. The id of a read is derived from the last
// message that it covers.
package marketplacer
