// Package soak kills Parley in every way there is, and holds what it says
// afterwards against what was acknowledged. It is used in tests only.
//
// The real binary runs with its real engines on a data dir. Senders post seeded
// events (late, duplicate and out of order ones among them) until each is
// acknowledged, resending what they do not know the fate of. Meanwhile cycle
// after cycle the process, the ClickHouse child, or both are killed: at random,
// while starting, at the named points of a batch, of an atomic publish, of the
// migrations and of a replay (PARLEY_CRASH_AT), and beside a replay. A kill is
// counted by what it met: one that missed its point is called "parent alone". A
// serve that exits unasked fails the run. After the restart the senders
// continue.
//
// At a check the senders pause, the projection catches up, and then
//
//   - every acknowledged event is in the log: else it is lost;
//   - every table has one row per key: else it is doubled;
//   - every row is the one that the reference fold (projector/reference) makes of
//     the log: else it differs.
//
// Beside that run engines misbehave under load (faults_linux_test.go), the files
// of the log are damaged (damage_test.go), and, with -tags powerloss and as root,
// the power is cut on a disk of the test's own (powerloss_linux_test.go). What
// takes long of these is left out of a run under a minute.
//
// The fold here is not the projector's, and the rows are read as a dashboard
// reads them: with SQL over the stable views.
//
// A run is repeated with its seed: go test ./cmd/internal/soak -seed N. The length
// is -duration; make soak runs a long one. An instance that has grown is left for a
// new one, so that the time goes into killing rather than comparing.
package soak
