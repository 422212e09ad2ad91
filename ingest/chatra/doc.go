// Package chatra reads conversations from Chatra's webhooks, and from those of its successor Brevo
// Conversations, which uses other names.
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
// The source of all events is [Source]. The first message by another agent is a push as well, and
// ends the previous contact (TRANSFERRED, endingInferred).
//
// # Conversations of a thread
//
// A thread (chatId) never ends; a conversation is the part of it that begins with chatStarted and
// ends with chatTranscript. Its id is derived from its start, the time of the first message that a
// person wrote: chatStarted and transcript agree on that. An automatic message (isTrigger,
// isPushed) may have been unanswered for days: it belongs to the conversation if a person wrote
// within 30 minutes of it, and is left out otherwise.
//
// Nothing in a fragment says which conversation it belongs to, nor whether an earlier fragment is
// still on its way, which determines an agent's first message; nor does a transcript say whether it
// is the last one of its conversation. So both are stored (and answered 200) for [Settle], and then
// everything waiting for one thread is processed together, transcripts first: payloads that arrive
// within that time produce the same events in any order. Later ones are processed as well; a push
// that was written stays.
//
// A transcript belongs to the conversation that contains its first message by a
// person, or to the open one that begins within it; otherwise it starts a new one. So a transcript
// that is sent again, even with more messages, is the same conversation: while the first one is
// waiting, the close moves with them. Later, a message by an agent reopens the conversation (a
// push, and another close), and one by the visitor is only added.
//
// The state of a thread (the conversations, the agents pushed to, the waiting payloads) is kept in
// the bucket of the webhooks with compare-and-set, so that several processes can receive payloads.
// It is written before the events, and waiting payloads are removed after them: a crash repeats
// work but loses nothing. A value holds at most 256 KiB of payloads, beyond which everything
// waiting is processed immediately, and 256 KiB of other state, of which the oldest is dropped
// first.
//
// Chatra documents no signature: the id in the path is the secret.
//
// History is imported by posting transcripts again: they produce the same events.
package chatra
