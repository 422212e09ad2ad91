// Package engines opens the log and the tables, for every process and every command.
//
// # Where they are
//
// A [Location] is a data dir and the servers that flags name. An engine for which
// no server is named is the embedded one: [Location.Start] starts it in this
// process, which owns the data dir; [Location.Find] and [Location.FindLog] find those of the serve
// that already runs on the data dir. All of them return [Engines], which hold how to connect.
//
// # What opens them
//
//	a process    [Engines.OpenLog], [Engines.OpenTables] and
//	             [Engines.OpenStore], for as long as it runs
//	a command    [Location.Open]: a [Session] with the log and the tables;
//	             [Location.OpenAlone] also excludes other commands that rewrite the log or the tables
//	a command on records that a role keeps in the log's buckets
//	             [OpenRecords], which needs no ClickHouse
//
// A command observes: it opens the log without changing its settings, and it creates no tables.
//
// # Files of the data dir
//
//	endpoints.json   where the serve listens, for people, publishers and dashboards (see [Endpoints])
//	log-access.json  how Parley's own commands connect to the log and the buckets
//	secret.key       the key that secrets in the buckets are sealed with
//	rebuild/lock     held by the command that runs alone
//
// All of them are readable by their owner only. The first two stay when serve ends:
// the pid in endpoints.json tells a reader whether they are still valid.
package engines
