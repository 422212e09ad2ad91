// Package iadvize takes conversations from iAdvize, or from a platform that
// speaks like it: live by webhooks, history by its GraphQL API.
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
//	user.*, visitor.updated   none: they name nobody                  –
//	anything else             none: kept in quarantine, UNSUPPORTED   –
//
// The source of all events is [Source]; <ms> is the moment in Unix milliseconds.
// Ids are made of these facts alone, so a retry, another delivery, and an import
// of the same fact are one event. eventId, x-iadvize-delivery and
// x-iadvize-correlationid are not used.
//
// Every push and close names channel and visitor, and becomes an opened event
// too: whichever arrives, and in whatever order, the conversation is whole, for
// the fold takes the earliest and fills in only what is missing.
//
// There is no webhook for a snooze or a transfer: the next push ends the
// contact before it (endingInferred). Nor does one say whether an operator is a
// bot: the hook's list of bots does (`parley webhook add --bots`), anyone else
// is PROFESSIONAL. Amounts without a currency have the hook's. Each click of a
// survey is an answer, and the last one counts: createdAt may be in whole
// seconds, so answers and sales carry a sequence, made of sentAt and, where
// that is missing or equal, of the order of arrival. An answer to a
// customQuestion has no place in Parley's events: it is kept in quarantine.
// operatorIds of a close are in the event's data and mean nothing to the fold.
//
// Members are read as package source reads them: 3.0 and "3" are integers, amounts
// may have an exponent and lose the noise of binary arithmetic, null elements of
// a list are skipped. A member that breaks its rule is left out, or cut, and the
// payload is kept in quarantine beside its events. See ingest/SOURCES.md.
//
// # History
//
// A [History] pages through closedConversations by closing time, each with its
// whole thread, sends their events page by page, and goes past what the API cannot
// give: see ingest/SOURCES.md for what the import does when the API fails or
// misbehaves. [Conversation.Events] makes of a conversation
//
//	opened        at createdAt, as a webhook would; or, where the API says more
//	              (names, language, campaign, customData), details:<conversation>:<ms>:<digest>,
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
// The client first asks the API which fields it has (__type), and then for those
// only: the lines of the .graphql files without "# if" are the core that is asked
// of every API, and all that is asked of one that refuses to tell of its types.
// Without ChatMessage's author there are no messages, and no contact is answered;
// without a user's kind everyone is PROFESSIONAL; a transaction without
// transactionId goes by externalConversionId, and is then another one than the
// webhook's. [Client.Missing] names what an API lacks.
//
// Where one instant has several life-cycle events in an order that is not the
// fold's own, they carry a sequence. Importing a history twice, or what
// webhooks have delivered before, changes no value; eventCount may grow by the
// answers. Not seen by an import: conversations that are open, tags taken off
// since, and an answer that went back to a value it had at an earlier import.
package iadvize
