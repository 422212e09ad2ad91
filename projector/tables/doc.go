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
// A version goes through the states building, offered, live, kept and dropped,
// and its number is never used again. [Tables.Create] makes the next one beside
// the live one, [Tables.Swap] makes it live: from one insert on, [Tables.Live]
// returns the new version to everyone; the views follow one by one within
// milliseconds, and Up completes them if that is cut short. [Tables.Drop] removes
// one that is not live.
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
