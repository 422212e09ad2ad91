// Package embedded starts the two engines Parley needs on the machine it runs on: a NATS server inside this process, and a real
// ClickHouse as a supervised child process. With --nats-url and --clickhouse-url existing servers are used instead;
// nothing outside cmd and tests imports this package.
//
// # Use
//
// The child is this same binary, started again. So main begins with
//
//	if embedded.IsChild() {
//		embedded.ChildMain() // does not return
//	}
//
// and then, for a data dir,
//
//	lock, err := embedded.LockDataDir(dir)                // one serve for each data dir
//	users, err := embedded.LoadOrCreateCredentials(dir)   // the same passwords after every restart
//	log, err := embedded.StartNATS(ctx, embedded.NATSConfig{Dir: dir + "/nats", ...})
//	tables, err := embedded.StartClickHouse(ctx, embedded.ClickHouseConfig{Dir: dir + "/clickhouse", ...})
//
// and at the end, after the roles have closed their connections, tables.Shutdown and log.Shutdown. ClickHouse waits up to 5
// seconds for connections that are still open. A role in this process opens ClickHouse with
//
//	clickhouse.Open(&clickhouse.Options{
//		Protocol:      clickhouse.HTTP,
//		Addr:          []string{tables.PrivateAddr()},
//		Auth:          clickhouse.Auth{Database: "parley", Username: tables.Writer().Name, Password: tables.Writer().Password},
//		TransportFunc: embedded.Transport,
//	})
//
// Dashboards and other processes use tables.HTTPURL.
//
// # NATS
//
// JetStream with file storage. Each message, or each atomic batch, is on disk before it is acknowledged, unless SyncInterval says
// otherwise. User and password are required on the socket and in process; there is no monitoring
// port unless configured, and no signal handler. After a failed write (a full disk) the server
// refuses every message for that stream until it is restarted: it restarts within this process,
// with the same data and address, once a file of 16 MiB can be written. Until then Ready returns
// the cause; connections, including those in process, reconnect to the new server. [Room] tells before that whether the disk has
// space for more events.
//
// With NATSCluster the server is one of a cluster, in which streams may have a copy on several servers. Its accounts are part of
// its options: a server that learned of them only when it runs would drop the streams and subscriptions of others that it
// cannot assign. A folder belongs to a server alone or to a member of a cluster: a cluster deletes streams that it
// does not know.
//
// The server's limits of atomic batches are 1,000 messages, 50 open batches for each stream, 1,000 for the server, and 10 seconds
// between two messages of a batch (streamDefaultMaxAtomicBatch… in its stream.go; JetStreamLimits in its options raise them). Here
// they are MaxBatch, MaxBatchesInFlight and four times that. An open batch is a separate file store
// on disk, synced once at the commit; then its messages are copied into the stream with one more
// sync. 10,000 messages with a total of 16 MiB take 0.2 to 0.3 s on two cores, including
// SyncAlways. A batch with a known Nats-Msg-Id is refused as a whole; a message over MaxPayload
// closes its connection.
//
// # ClickHouse
//
// The library libchdb.so, all of ClickHouse in 566 MB, comes from npm: `npm ci` in this folder
// fetches the version pinned in package-lock.json, with its integrity hash, from the configured
// registry. (It is an optional dependency, as packages for one platform must be, so npm does not
// fail if it cannot fetch it.) FindLibrary finds it, and VerifyLibrary compares size and SHA-256
// with the table in library.go before it is loaded: this takes 0.4 s, or nothing if a stamp in the
// data dir shows that the same file was read before. So far the table contains linux/amd64.
//
// The child runs `clickhouse local` on the library, which opens the private HTTP port on its first statement and then reads
// statements from its standard input. That is a pipe whose other end only the parent holds, so the
// child stops when the parent does, however it ends: it stops its queries, closes its tables, and
// exits within milliseconds, or within 5 seconds while a client keeps a connection open. If it
// hangs, a second pipe, read only by Parley's code, kills it 15 seconds later. The next start waits
// for that on a lock which the child inherits. A child that exits, or stops listening, is restarted
// on the same port with an increasing delay, 0.2 to 30 seconds; meanwhile Ready returns the cause
// and the front answers 503. LaunchClickHouse treats a first start that fails in the same way; StartClickHouse
// returns its error. It has its own process group, so that Ctrl-C reaches only the parent.
// Linux's parent-death signal is not used: it is sent when the starting thread ends, and Go threads
// can end at any time.
//
// # Access
//
// No port answers without a password, except /ping.
//
//	parley_writer  everything inside the databases parley and parley_…, statistics of the server, no files, no network
//	parley_reader  reads those databases, within limits of memory and time; can stop its own queries
//	parley_bi      reads the views for dashboards in database parley, and their metadata in the system tables; can stop its own queries
//	parley_views, parley_personal_views  no logins: the views read with their rights, which cover only the columns of the views
//	default        keeps the child alive; it has no password, so clients cannot log in
//
// The front forwards only requests that Go's HTTP server found well-formed, with a correct name and
// password, given in one place; it forwards them in one form. Credentials in parameters are
// removed, whatever the case or the escapes of their names: otherwise ?user=default after a valid
// name would run the request as that user. It drops trailers, limits headers to 120 KiB, and
// streams both ways.
//
// The private port is on loopback, so every local user can reach it. It accepts only requests with
// one of the passwords (config.xml.tmpl), but a malformed request still ends the child, which costs
// a second and no data. A truncated request line or header is malformed, too: [Transport] prevents
// that.
//
// The limits of the BI user are in limits.go, the settings that it may change in bisettings.go; all
// others are locked (readonly = 1). ClickHouse checks neither the SETTINGS of a subquery nor `=
// DEFAULT`, so the front reads the BI user's statements (statement.go): it refuses other settings
// wherever they occur, clamps those with a range, and runs a bounded number of statements at a time
// while others wait (bi.go). The security model is in deploy/SECURITY.md.
//
// # Peculiarities of ClickHouse in this mode
//
//   - The function file() reads any file the process can read, for every user, without any grant. A function of that name in the folder of user-defined functions hides it (config.go); tests try to get around it.
//   - The table function sqlite() opens any file, and creates a missing one, before the access right is checked: the front refuses
//     it.
//   - The settings profile "default" is the base of all profiles, so user default has a separate profile.
//   - chDB sets implicit_select and allow_introspection_functions; the profile default resets them.
//   - A statement has one thread for each GiB of free memory (max_threads_min_free_memory_per_thread), so one in an engine of 2 GiB. More
//     is slower where several statements are under way: with one for each 64 MiB, on two cores, the counts of a year of a million
//     conversations took 288 ms instead of 218, by day and tag 788 instead of 481.
//   - Small pools need merge_tree/number_of_free_entries_…: with the default values, no large merge would ever find enough free slots.
//   - Errors in a request are answered 500 where a server answers 403 or 404. There are no query logs, no BACKUP to .zip (a folder or .tar
//     works, below BackupDir), no asynchronous_metrics.
//   - Users are read once, at the start. CREATE USER and SYSTEM RELOAD USERS have no effect.
//
// # Measured
//
// On 2 cores: both engines ready 0.1 to 0.4 s after the start on existing data, 0.7 s with the first check of the library. Idle, 25
// MB resident for a process with NATS and 235 MB for the child (180 MB of it pages of the library), 0.5 % of a core each; after
// inserts of 1.5 million rows 520 MB, and 245 MB again a minute later.
package embedded
