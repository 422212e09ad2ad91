// Package reference is a second fold, for tests only: it says each field of
// contract section 3 as a definition over the whole ordered list of events,
// one field after the other, with no state carried along. It is slow on purpose
// (quadratic) and shares no code with the projector's fold, so that the two can
// check each other: what one gets wrong the other has to get wrong the same way
// to go unseen.
//
// Two things are left to the projector alone and are not filled in here: the
// kind, name and e-mail of a conversation's users, and the positions of marks
// and messages in the thread.
package reference
