// Package iadvize reads conversations from iAdvize, or from a compatible platform: live by
// webhooks, history by its GraphQL API.
//
// # Webhooks
//
//	eventType                 events                                  id
//	v2.conversation.pushed    opened (channel, visitor) at createdAt  opened:<conversation>:<ms>
//	                          pushed to operatorId at createdAt       pushed:<conversation>:<operator>:<ms>
//	v2.conversation.closed    opened (channel, visitor) at createdAt  opened:<conversation>:<ms>
//	                          closed at createdAt                     closed:<conversation>:<ms>
//	satisfaction.answered     answered at createdAt                   satisfaction:<conversation>:<ms>:<digest>
//	transaction.attributed    recorded at receivedAt                  transaction:<conversation>:<transactionId>:<ms>:<amount>
//	user.*, visitor.updated   none: they name no visitor                  –
//	anything else             none: kept in quarantine, UNSUPPORTED   –
//
// The source of all events is [Source]; <ms> is the moment in Unix milliseconds.
// Ids are derived only from these facts, so a retry, another delivery, and an import of the same
// fact are one event. eventId, x-iadvize-delivery and x-iadvize-correlationid are not used.
//
// Every push and close names channel and visitor, and also becomes an opened event: the
// conversation is complete whichever arrives, in any order, because the fold takes the earliest and
// fills in only what is missing.
//
// There is no webhook for a snooze or a transfer: the next push ends the previous contact
// (endingInferred). Nor does a webhook say whether an operator is a bot: the hook's list of bots
// does (`parley webhook add --bots`), all others are PROFESSIONAL. Amounts without a currency get
// the hook's. Each click of a survey is an answer, and the last one counts: createdAt may be in
// whole seconds, so answers and sales carry a sequence, derived from sentAt and, if that is missing
// or equal, from the order of arrival. An answer to a customQuestion has no equivalent in Parley's
// events: it is kept in quarantine. operatorIds of a close are in the event's data, and the fold
// ignores them.
//
// Members are read as package source reads them: 3.0 and "3" are integers, amounts
// may have an exponent and lose the noise of binary arithmetic, null elements of
// a list are skipped. A member that breaks its rule is left out, or cut, and the payload is also
// kept in quarantine. See ingest/SOURCES.md.
//
// # History
//
// A [History] pages through closedConversations by closing time, each with its whole thread, sends
// their events page by page, and skips what the API cannot return: ingest/SOURCES.md describes what
// the import does when the API fails or misbehaves. [Conversation.Events] creates, for a
// conversation,
//
//	opened        at createdAt, as a webhook would; or, if the API has more (names, language, campaign, customData), details:<conversation>:<ms>:<digest>,
//	              which comes first in the fold
//	routed        routed:<conversation>:<ms>:<digest of rule and group>
//	pushed        pushed:<conversation>:<operator>:<ms>, the same event as the webhook's
//	snoozed, transferred, closed   <kind>:<conversation>:<ms>
//	message       message:<conversation>:<message id>
//	tagged        at closedAt, tagged:<conversation>:<digest>
//	answered      one for each question, at the moment of reading: the API does not say
//	              when; answer:<conversation>:<digest>. A webhook's later answer wins, an
//	              earlier one is in what the API says
//	recorded      transaction:<conversation>:<transactionId>:<ms>:<amount>
//
// The client first asks the API which fields it has (__type), and then requests only those: the
// lines of the .graphql files without "# if" are the core that is requested from every API, and the
// only fields requested from an API without introspection. Without ChatMessage's author there are
// no messages, and no contact is answered; without a user's kind every user is PROFESSIONAL; a
// transaction without transactionId is identified by externalConversionId, and then differs from
// the webhook's. [Client.Missing] lists what an API lacks.
//
// If one instant has several life-cycle events in an order other than the fold's, they carry a
// sequence. Importing a history twice, or after webhooks have delivered it, changes no value;
// eventCount may grow by the answers. An import does not see open conversations, removed tags, and
// an answer that was reset to its value at an earlier import.
package iadvize
