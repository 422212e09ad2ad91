// Package source is shared by all sources: it writes events of the contract, with ids derived from
// the upstream facts.
//
// A source only translates. The same fact must have the same source, id and bytes however it
// arrives: by webhook, by a retry, by a later import. So an id is derived from the kind of fact,
// the conversation, the moment, and whatever else distinguishes two facts of one moment; never from
// a delivery, an arrival or a clock. [Event.Encode] writes members in a fixed order.
package source
