// Command parley contains every role of the pipeline, the embedded engines, and the commands that operate them.
//
// # Wiring
//
// This package parses flags, wires the other packages together and maps errors to exit codes; it
// contains no domain logic. Each command is one file. Tests call [run].
//
// # A process
//
// A service (serve, ingest, project, query) is a [process]: it binds HTTP first, so that /readyz
// can name what is still missing, opens the engines, and starts its roles. The combined mode starts
// the same roles as the single modes. Parts stop in reverse order, each completely before the next:
//
//	HTTP        no new requests; running ones are answered
//	roles       the projector stops between two batches
//	engines     ClickHouse, then NATS
//	data dir    is unlocked
//
// Being killed is a supported way to stop: the next start continues.
//
// # Data dir
//
//	lock                      held by the running serve
//	endpoints.json            where a running serve listens, with the credentials of publishers and dashboards (see [engines.Endpoints])
//	log-access.json           how Parley's own commands connect to the log and the buckets
//	secret.key                the key that secrets in the buckets are sealed with
//	admin-key.json            the first key: every scope, all projects
//	engine-credentials.json   generated users of the engines
//	bi-users.json             BI users of some projects, with hashes of their passwords
//	nats/, clickhouse/        the data of the engines
//
// Commands beside a running serve read endpoints.json and log-access.json and connect:
// see package engines, which is the only one that opens the log and the tables.
//
// # Settings
//
// A flag overrides the environment (PARLEY_ and the flag's name), which overrides the file named by
// --config, which overrides the default. What an operator adjusts is a flag; limits and sizes that
// rarely change are only in the file, under sections. Package settings has the rules; `parley
// config print` shows the values in effect.
package main
