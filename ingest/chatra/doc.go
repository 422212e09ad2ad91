// Package chatra takes conversations from Chatra's webhooks, and from those of
// Brevo Conversations, its successor, which has other names for the same.
//
// # Mapping
//
//	payload                    event                      id
//	chatStarted, chatTranscript  opened at the start      opened:<conversation>:<rank>:<digest>
//	message of the client      message by VISITOR         message:<conversation>:<message id>
//	message of an agent        message by PROFESSIONAL    message:<conversation>:<message id>
//	… isTrigger or isPushed    the same, automatic        message:<conversation>:<message id>
//	an agent's first message   pushed to that agent, at   pushed:<conversation>:<agent id>
//	that is not automatic      the message's time
//	chatTranscript             closed, at the time of     closed:<conversation>:<ms>
//	                           its last message
//	anything else              none: kept in quarantine, UNSUPPORTED
//
// The members that are read, and where they go, are listed in ingest/SOURCES.md.
// The source of all events is [Source]. The first message by another agent is a
// push as well, and ends the contact before it (TRANSFERRED, endingInferred).
//
// # Conversations of a thread
//
// A thread (chatId) never ends; a conversation is the stretch of it that begins
// with chatStarted and ends with chatTranscript. Its start, which its id is
// made of, is the time of its first message that a person wrote: chatStarted
// and transcript agree on that one. An automatic message (isTrigger, isPushed)
// may have been unanswered for days: it belongs to the conversation if a person
// wrote within 30 minutes of it, and is left out otherwise.
//
// Nothing in a fragment says which conversation it belongs to, nor whether an
// earlier fragment is still under way, which decides what an agent's first
// message is; nor does a transcript say whether it is the last one of its
// conversation. So both are kept durably (and answered 200) for [Settle], and
// then everything that waits for one thread is processed together, transcripts
// first: payloads that arrive within that time make the same events in any
// order. One that comes later is processed as well; a push that was made stays.
//
// A transcript belongs to the conversation that contains its first message by a
// person, or to the open one that begins within it; otherwise it makes a new one.
// So a transcript that is sent again is the same conversation, also with more
// messages: while the first one waits, the close moves with them. Later, a message
// by an agent reopens the conversation (a push, and another close), and one by the
// visitor is only added.
//
// What is known of a thread (the stretches, the agents pushed to, the payloads
// that wait) is kept in the bucket of the webhooks with compare and set, so that
// several processes may take payloads in. It is written before the events, and
// the payloads that waited are forgotten after them: a crash repeats, it does
// not lose. A value holds at most 256 KiB of payloads, beyond which everything
// that waits is processed at once, and 256 KiB of the rest, of which the oldest
// is forgotten first.
//
// Chatra documents no signature: the id in the path is the secret.
//
// History is imported by posting transcripts again: they make the same events.
package chatra
