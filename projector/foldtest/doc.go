// Package foldtest makes events for tests: from dice, so that a seed gives the
// same events again and a property test can shrink them.
//
// [Realistic] plays a conversation as it may well happen, [Nasty] throws
// together what is hardest on the fold: one instant, few ids, many sources,
// equal sequences. [Stream] interleaves conversations of both kinds into a log
// with late events and duplicates, [Distinct] says which of its events count,
// and [schema.Encode] writes an event as a sender would.
//
// Only tests use the package.
package foldtest
