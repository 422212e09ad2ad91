// Package chatra implements the REST API of Chatra, so that a client written for it works with
// Parley: messages, pushedMessages and clients. query/API.md describes requests and responses.
//
// # Writing
//
// A command becomes an event: it is appended to the log, and answered once it is on disk. Nothing else is written.
//
//	request                  events                                      id of the event
//	POST messages            opened, unless the client has an open one   opened:<conversation>
//	                         pushed, unless the agent is in contact      pushed:<conversation>:<operator>:<contacts>
//	                         message by PROFESSIONAL                     message:<message>
//	POST pushedMessages      opened, unless the client has a             opened:<conversation>
//	                         conversation; message, automatic            message:<message>
//	PUT of a message         message with the new text, same messageId   edited:<message>:<random>
//	DELETE of a message      message deleted                             deleted:<conversation>:<message>
//	PUT clients              customer updated                            profile:<random>
//
// A message in person belongs to the client's latest conversation if that one is
// open, and begins a new one otherwise. A pushed message belongs to the latest one in either case,
// and begins one only for a client that has none. A new conversation is named after the project,
// the client and how many there were, so that concurrent first messages begin the same one.
//
// # Reading
//
// Every request first reads the end of the log, and waits until the tables have reached it: earlier
// writes of any client are visible. The wait is bounded; after it the answer is 503 with
// Retry-After, never an older state.
//
// Texts are read from the archived events: they are available without --store-text, until an erasure removes them.
package chatra
