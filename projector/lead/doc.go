// Package lead keeps the live version of the projection up with the logs, and
// hands over to a version that is offered. It is what `serve` and `project` run.
// One process at a time does so: the caller holds a lease meanwhile (ingest/eventlog/lease).
//
//	run     one projector writes the live version
//	offer   a replay has marked another version as complete (projector/replay)
//	follow  a second projector lets the offered version catch up
//	swap    when it has written what it lacked at first, and is about a batch behind,
//	        the first one finishes its batch and ends; when the second has reached the
//	        position of the first, the views are turned and the version is live
//	turn    where another process has made a version live, that one is projected at once
//
// The seam is a sequence: a version is only made live when its positions have
// reached those of the one before, so a reader never sees the projection go back.
// A swap that fails, or takes longer than 15 s, starts the first projector again
// and withdraws the offer; the command that waits for it reports the reason. A
// version whose tables refuse rows never stops the live one.
package lead
