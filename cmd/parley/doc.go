// Command parley is the one binary: every role of the pipeline, the embedded
// engines, and the commands that look after them.
//
// # Wiring
//
// This package reads flags, puts the other packages together and turns errors
// into exit codes; it decides nothing about conversations. Each command is one
// file. [run] is all of main that a test can call.
//
// # A process
//
// A command that stays (serve, ingest, project, query) is a [process]: it binds
// HTTP first, so that /readyz can name what is still missing, opens the engines,
// and starts its roles. The combined mode starts the very roles that the single
// modes start. What was started last is stopped first, each part to its end:
//
//	HTTP        no new requests; those that run are answered
//	roles       the projector stops between two batches
//	engines     ClickHouse, then NATS
//	data dir    is given back
//
// Being killed is a supported way to stop, too: the next start continues.
//
// # Data dir
//
//	lock                      who owns the folder
//	endpoints.json            where a running serve listens, with the credentials of publishers and dashboards (see [engines.Endpoints])
//	log-access.json           how Parley's own commands reach the log and the buckets
//	secret.key                the key that secrets in the buckets are sealed with
//	admin-key.json            the first key: every scope, all projects
//	engine-credentials.json   generated users of the engines
//	nats/, clickhouse/        what the engines keep
//
// Commands beside a running serve read endpoints.json and log-access.json and connect:
// see package engines, which is the only one that opens the log and the tables.
//
// # Settings
//
// A flag wins over the environment (PARLEY_ and the flag's name), that over the
// file named by --config, that over defaults. What an operator turns is a flag;
// limits and sizes that rarely change are only in the file, under sections. See
// package settings for the rules, `parley config print` for what holds.
package main
