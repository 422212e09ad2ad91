// Package tables is the home of the tables in ClickHouse: it makes and changes
// them, says which version of the projection is live, and has a method for every
// statement that is not the sink's writing and reading back of batches
// (projector/sink) or a query of the API (query/store). Nothing else of the
// project speaks SQL: a statement is a file in sql/, embedded, behind a typed
// method.
//
//	t, err := sink.Dial(ctx, sink.Server{URL: …, User: …, Password: …})
//	err = t.Up(ctx) // or t.Check(ctx)
//	live, err := t.Live(ctx)
//
// Values are bound as parameters on the server ({name:Type}). What is put into the
// text of a statement ($projection, $table, $key, …) are names: of databases, which
// are made of a version number, of the tables listed in this package, and of their
// columns as the server has them.
//
// # Bringing a server up to date
//
// [Tables.Up] brings a server to what the files of schema/clickhouse say:
// databases (engine Atomic), the tables of parley_meta, projection 1 on a new
// server, the tables of every projection that is not dropped, and the views over
// the live one. It finds out what is missing, applies it, and looks again until
// nothing is. So it may be stopped anywhere, repeated, or run by several processes
// at once: each statement may be repeated, and what was applied is noted after it
// was. A file that was applied and has other contents now is an error.
//
// [Tables.Check] changes nothing and names what Up would do.
//
// # Versions
//
// A version is building, offered, live, kept or dropped, and its number is never
// used again. [Projections] has the rules, which are pure; each change is a turn:
//
//	begin     new → building          by replay, verify and erase; continued only by the same maker
//	offer     building, kept → offered  by the command that has built it, or undo
//	withdraw  offered → what it was    by the command, or by a projector that cannot take it over, with the reason
//	swap      offered → live, live → kept, in one turn
//	drop      building, kept → dropped
//
// A turn is an insert into parley_meta.turns of what changes, numbered one higher
// than the latest turn that was read. The number is the insert's deduplication
// token, so of several processes that have read the same the server takes the
// first and drops the others, which read again and decide again. This is the
// compare-and-set, and the only one: exactly one version is live after every turn.
// A number whose insert a crash has cut off is passed over.
//
// The state lives in ClickHouse, beside the tables that it is about, although NATS
// has a compare-and-set too: a backup of the tables that is restored brings its
// own state with it, and everybody who reads the tables reads the state where he
// reads them. Kept in NATS it would name versions that the restored tables do not
// have. The token is forgotten after 10,000 turns; a process that sleeps longer
// would take a turn twice.
//
// Tables.Live returns the new version to everyone from the turn on; the views
// follow one by one within milliseconds, and Up completes them if that is cut
// short, as it removes the tables of dropped versions that are still there.
//
// A model test runs all interleavings of a projector and two commands over the
// rules, with a crash anywhere.
//
// # Comparing
//
// [Tables.Compare] compares two versions table by table, by checksum per bucket of
// keys first, and row by row only in the buckets that differ. Bookkeeping that
// depends on how rows were batched (_version, _deleted) is not compared.
//
// # Grants
//
// On a server of your own, make three users and two more that nobody is: the
// views read with their rights. The embedded engine has them already. Profile
// parley_bi and what else such a server needs is in deploy/SECURITY.md.
//
//	CREATE USER parley_views IDENTIFIED WITH no_authentication HOST NONE SETTINGS PROFILE 'parley_bi';
//	CREATE USER parley_personal_views IDENTIFIED WITH no_authentication HOST NONE SETTINGS PROFILE 'parley_bi';
//
//	CREATE USER parley_writer IDENTIFIED BY '…';
//	GRANT ALL ON parley.* TO parley_writer;
//	GRANT ALL ON `parley\_*`.* TO parley_writer;
//	GRANT SELECT ON `parley\_*`.* TO parley_writer WITH GRANT OPTION;
//	GRANT TABLE ENGINE ON * TO parley_writer;
//	GRANT SET DEFINER ON parley_views TO parley_writer;
//	GRANT SET DEFINER ON parley_personal_views TO parley_writer;
//	GRANT SELECT ON system.databases TO parley_writer;
//	GRANT SELECT ON system.tables TO parley_writer;
//	GRANT SELECT ON system.columns TO parley_writer;
//	GRANT SELECT ON system.grants TO parley_writer;
//	GRANT SHOW USERS, SHOW ROLES ON *.* TO parley_writer;
//
//	CREATE USER parley_reader IDENTIFIED BY '…' SETTINGS readonly = 2;
//	GRANT SELECT ON parley.* TO parley_reader;
//	GRANT SELECT ON `parley\_*`.* TO parley_reader;
//
//	CREATE USER parley_bi IDENTIFIED BY '…' SETTINGS PROFILE 'parley_bi';
//	GRANT SELECT ON parley.conversations TO parley_bi; -- and so on, one per view it may read
//	GRANT SELECT(query_id, user, query) ON system.processes TO parley_bi;
//	CREATE ROW POLICY parley_bi ON system.processes USING user = currentUser() TO parley_bi;
//
// Up grants the two users of the views the right to read the columns their views
// show, of the live version, and no other; a dashboard's user needs the views
// only.
package tables
