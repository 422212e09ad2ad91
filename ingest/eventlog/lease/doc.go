// Package lease lets one process at a time do a piece of work that several can do:
// write the projection, send the outgoing webhooks. Leases are values of a bucket of
// the log ([Bucket]).
//
//	wait     read the value every half second; take it when nobody holds it, or when its
//	         holder has given no sign for [Term]
//	hold     write a sign every two seconds
//	release  write that nobody holds it: whoever waits takes over within half a second
//
// Taking, signs and release are compare-and-set, so of two that take a lease at the
// same moment one has it. Each holder has an epoch, one higher than that of the
// holder before. No clock of another process counts: who waits measures with its own
// how long the value has stayed the same.
//
// A holder stops counting itself as one two seconds before the others may take over,
// and at once when it reads another epoch. [Lease.Check] says so without asking
// anybody: a process that was stopped or cut off and continues finds out before its
// next step. What it has sent already may still arrive. So a lease makes two at work
// rare and short, and the work has to be such that two do no harm.
//
// A process under a name that holds the lease already takes it at once: for a
// process that is certain to be the only one of its name, and was killed.
package lease
