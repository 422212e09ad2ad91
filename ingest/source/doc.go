// Package source has what all sources write: events of the contract, with ids
// made from the facts upstream.
//
// A source only translates. The same fact has to come out with the same source,
// id and bytes however it arrives: by webhook, by its retry, by a later import.
// So an id is made of the kind of fact, the conversation, the moment, and what
// else distinguishes two facts of one moment; never of a delivery, an arrival or
// a clock. [Event.Encode] writes members in a fixed order.
package source
