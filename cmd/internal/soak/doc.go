// Package soak kills Parley in many ways, and compares its data afterwards with what was
// acknowledged. It is used only in tests.
//
// The real binary runs with its real engines on a data dir. Senders post seeded
// events (late, duplicate and out of order ones among them) until each is
// acknowledged, resending requests with an unknown outcome. One of them is hostile: its conversations
// are at the limits of the contract, and between them it publishes NATS messages that are no events.
// Meanwhile, in cycles, the process, the
// ClickHouse child, or both are killed: at random, while starting, at the named points of a batch,
// of an atomic publish, of the migrations and of a replay (PARLEY_CRASH_AT), and during a replay or its
// undoing. A
// kill is counted by what it hit: one that missed its point is called "parent alone". A serve that
// exits unexpectedly fails the run. After the restart the senders continue.
//
// Two projectors (projectors_linux_test.go) are a serve and a project that write one projection, with
// engines that outlive both. Either is killed, stopped or suspended, for longer than its lease lasts or
// not; statements that write are held back, given up, and completed later, perhaps after the death of
// their writer; replays are made and undone meanwhile; ClickHouse is killed or suspended, and the log
// replaced by an older copy and restored.
//
// At a check the senders pause, the projection catches up, and then
//
//   - every acknowledged event is in the log: else it is lost;
//   - every table has one row per key: else it is doubled;
//   - every row is the one that the reference fold (projector/reference) makes of
//     the log: else it differs. Quarantine has a row for each message that is no event.
//
// All the time, a watcher looks once a second at /readyz, at the position of the live tables and at the
// end of the log (standstill.go). It fails the run if the tables stood still behind the log for a minute
// in which /readyz was 200, or if every request was refused for a minute in which it was for ingest.
//
// With -tags cluster (make test-cluster), three NATS servers of one cluster keep the log of a serve (cluster_linux_test.go). The ones that lead the log or the leases, two
// at once and, in a run of a minute or more, all at once and one after the other without a pause are killed and started
// again; doctor names the one that is missing. Serve itself is never restarted. It is not part of CI: in one run of the last three, on
// busy cores, a bucket had no leader for three minutes although two of three servers ran, and the cause is not known.
//
// Further tests make engines misbehave under load (faults_linux_test.go), damage the files of the
// log (damage_test.go), and, with -tags powerloss and as root, cut the power of a disk
// (powerloss_linux_test.go) or fill one up (fulldisk_linux_test.go). Slow ones are left out of a run under a minute.
//
// With -tags containers (make test-containers), Parley, NATS and ClickHouse are containers that are
// killed, stopped, paused and cut off the network in the middle of traffic, and the disk of the log is
// filled up (containers_test.go). The engines are nats:2 and clickhouse/clickhouse-server:26, or those that
// PARLEY_TEST_NATS_IMAGE and PARLEY_TEST_CLICKHOUSE_IMAGE name; where they cannot be pulled, Parley's
// own image runs the embedded engines. The first line of a run says which it used.
//
// The fold here is not the projector's, and the rows are read as a dashboard
// reads them: with SQL over the stable views.
//
// A run is repeated with its seed: go test ./cmd/internal/soak -seed N. The length
// is -duration; make soak runs a long one. A large instance is replaced by a new one, so that the
// time is spent on killing rather than comparing.
package soak
