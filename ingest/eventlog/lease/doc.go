// Package lease ensures that one process at a time does work that several could do: write the
// projection, send the outgoing webhooks. Leases are values of a bucket of the log ([Bucket]).
//
//	wait     read the value every half second; take it when it is free, or when its
//	         holder has not renewed it for [Term]
//	hold     renew it every two seconds
//	release  mark it free: a waiting process takes over within half a second
//
// Taking, renewing and releasing are compare-and-set, so of two processes that take a lease at the
// same moment one gets it. Each holder has an epoch, one higher than that of the previous holder.
// Clocks of other processes do not matter: a waiting process measures with its own clock how long
// the value has stayed the same.
//
// A holder considers the lease lost two seconds before the others may take over, and immediately
// when it reads another epoch. [Lease.Check] reports that without a request: a process that was
// suspended or disconnected and continues notices it before its next step. What it has already sent
// may still arrive. So with a lease, two processes rarely work at the same time, and briefly; the
// work must tolerate that.
//
// A process whose name already holds the lease takes it immediately: this is for a process that is
// certainly the only one of its name, and was killed.
package lease
