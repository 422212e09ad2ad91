// Package outgoing posts webhooks to addresses that were added with `parley webhook send add`:
// Chatra's chatStarted, chatFragment and chatTranscript, and reports about figures.
//
// # The flow
//
//	follow    each webhook reads the log from its own position, up to where the tables are
//	judge     which of the new events start a chat, need attention or close it, or make a figure known
//	queue     one entry per occurrence, on disk before the position moves
//	render    the payload, from the conversation's archived events, at each attempt
//	deliver   signed, in order per conversation, until the receiver answers 2xx
//
// A new webhook begins at the end of the log. A replay builds other tables from the same log and
// moves no position, so it sends nothing. Occurrences depend only on the events of the conversation
// and their order in the log, so their ids are the same after a crash between queue and position:
// receivers that remember webhook-id see each delivery once.
//
//	chatStarted      the first message that a person wrote
//	chatFragment     each message that a person wrote, with the automatic ones since the last
//	chatTranscript   each close with messages that were in no transcript, with all messages; and messages that arrive after the close although they were sent before it
//
//	conversationClosed     each close of an open conversation
//	satisfactionLow        each answer with a low score
//	waitExceeded           a contact's wait time, known with its push
//	firstResponseExceeded  a contact's first response time, known with that message
//	durationExceeded       a conversation's duration, known with its close
//
// A figure is at the event with which it was known: the later one of those that decide it. A late event
// that changes the figure of another event reports nothing.
//
// # The queue
//
// A [Delivery] refers to its event and holds no personal data: the payload is rendered for each
// attempt, so that an erasure applies to queued deliveries. Deliveries of one conversation are sent
// one after the other, a webhook has at most four running requests, and stops following the log
// while [MaxPending] deliveries wait: the rest waits in the log. Attempts are repeated for three
// days; then the delivery has failed and stays in the queue for `retry`, and the next one of the
// conversation is sent.
//
// # The receiver
//
// Only 2xx with a body that ends within [AnswerTimeout] is a success. Redirects are not followed.
// 410 pauses the webhook. Requests are signed as in Standard Webhooks (webhook-id,
// webhook-timestamp, webhook-signature). Addresses that are not public are refused when they are
// dialled, after the name was resolved, unless the webhook was added with --allow-private; proxies
// in the environment are not used.
//
// # Several processes
//
// One of them sends: the holder of the lease (package ingest/eventlog/lease). After a
// crash another one takes over within ten seconds.
package outgoing
