// Package lead keeps the live version of the projection up to date with the logs, and hands over to
// an offered version. `serve` and `project` run it. One process at a time does so: the caller holds
// a lease meanwhile (ingest/eventlog/lease).
//
//	run     one projector writes the live version
//	merge   while little arrives, parts of the live version that overlap are merged (projector/merge)
//	offer   a replay has marked another version as complete (projector/replay)
//	follow  a second projector lets the offered version catch up
//	swap    when it has written what it initially lacked, and is about a batch behind, the first projector finishes its batch and ends; when the second has reached the position of the first, the views are switched and the version is live
//	turn    if another process has made a version live, that one is projected immediately
//
// The seam is a sequence: a version is only made live when its positions have
// reached those of the one before, so a reader never sees an older projection. A swap that fails,
// or takes longer than 15 s, restarts the first projector and withdraws the offer; the command that
// waits for it reports the reason. A version whose tables reject rows never stops the live one.
package lead
