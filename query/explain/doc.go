// Package explain says where the numbers of a conversation come from: for each
// of them, the events without which it would be another.
//
// It walks the ordered events of one conversation and keeps, instead of sums
// and times, the places of the events that made them. Values are then read off
// those events. This is the contract's section 3 a second time, for people to
// read: the projector's fold computes the rows, this explains them, and a test
// holds the two together over random conversations. It does no input or output,
// and never fails.
package explain
