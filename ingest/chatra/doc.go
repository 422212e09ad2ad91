// Package chatra takes conversations from Chatra's webhooks.
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
//	Chatra                     Parley
//	client.chatId (thread)     conversation id: a UUID of version 5 over project, thread and start;
//	                           the thread itself is externalId in the opened event's data
//	agentId (string)           operator id: 53 bits of a hash; agentId itself is externalId
//	                           beside it in the event's data
//	client.id, name, email,    visitor id, firstName and lastName (parted at the first blank),
//	phone                      email, phone
//	hostName, chatStartedPage  customData (the page without its query)
//	receivedFrom               channel: FACEBOOK, INSTAGRAM, WHATSAPP, EMAIL, SMS; CHAT otherwise
//
// The source of all events is [Source]. The first message by another agent is a
// push as well, and ends the contact before it (TRANSFERRED, endingInferred).
//
// # Conversations of a thread
//
// A thread goes on for ever; a conversation is the stretch of it that begins
// with chatStarted and ends with chatTranscript. Its start, which its id is made
// of, is the time of its first message that is not automatic: chatStarted
// and transcript agree on that one, also where a proactive message came before.
//
// Nothing in a fragment tells which conversation it belongs to, nor whether an
// earlier fragment is still under way, which decides what an agent's first
// message is. So a fragment is kept durably (and answered 200) for [Settle];
// then it goes on with the conversation that is open, or begins the next one.
// A transcript that arrives meanwhile has all messages, and decides at once:
// payloads that arrive within that time make the same events in any order. One
// that is later than that is taken in as well; a push that was made stays.
//
// What is known of a thread (the stretches, the agents pushed to, the payloads
// that wait) is kept in the bucket of the webhooks with compare and set, so that
// several processes may take payloads in. It is written before the events, and
// the payloads that waited are forgotten after them: a crash repeats, it does
// not lose.
//
// Chatra documents no signature: the id in the path is the secret.
//
// History is imported by posting transcripts again: they make the same events.
package chatra
