// Package marketplacer answers the schema of the chats with sellers
// (schema/graphql/marketplacer.graphql), which is that of Marketplacer's in-app
// chat. It is for package query/transport to put on HTTP.
//
// # What a chat is
//
// Each seller of a project has one chat, whose conversation is the subject of the
// seller's profile events (schema.ProfileSubject). Whatever key writes, the
// messages are in this one thread: VISITOR messages are the seller's ("User"), all
// others the operator's ("Admin"). A seller exists once a profile event about it
// is in the tables.
//
// # Who sees what
//
// A caller with the role operator sees the sellers of its projects, one with the
// role seller itself only: an id is narrowed to what the caller may see before
// anything is read, so that a foreign one cannot be distinguished from one that does not exist.
// Where sellers of several of an operator's projects have one id, it names none of
// them, and the error says so.
//
// # Texts
//
// Texts of messages are read from the archive of events, for the messages of a page
// only: the table of texts is empty unless it is asked for (--store-text). So the
// chat shows what the events say, and what an erasure has removed is empty.
//
// # Mutations
//
// A mutation appends events ([Log]), waits until the tables that answer have
// reached them, so that every later read sees them, and answers with what they say.
// When that takes longer than [Config.Patience] the answer has status 202 and an error.
// What a mutation has to know of the seller is read for all mutations that wait at the
// same time, in one statement.
// With clientMutationId the id of the message is made of it and of the caller, so
// that a repeat is the same event; another text under the same clientMutationId is
// refused with status 409. A read is named by the last message that it covers.
package marketplacer
