// Package tables manages the tables in ClickHouse: it creates and migrates them, determines which
// version of the projection is live, and has a method for every statement other than writing and
// reading back batches (projector/sink) and queries of the API (query/store). No other package
// contains SQL: a statement is a file in sql/, embedded, behind a typed method.
//
//	t, err := sink.Dial(ctx, sink.Server{URL: …, User: …, Password: …})
//	err = t.Up(ctx) // or t.Check(ctx)
//	live, err := t.Live(ctx)
//
// Values are bound as parameters on the server ({name:Type}). Only names are inserted into the text
// of a statement ($projection, $table, $key, …): of databases, which consist of a version number,
// of the tables listed in this package, and of their columns as the server has them.
//
// # Bringing a server up to date
//
// [Tables.Up] applies the files of schema/clickhouse:
// databases (engine Atomic), the tables of parley_meta, projection 1 on a new
// server, the tables of every projection that is not dropped, and the views over
// the live one. It determines what is missing, applies it, and checks again until nothing is
// missing. So it may be stopped anywhere, repeated, or run by several processes at once: each
// statement may be repeated, and is recorded after it was applied. An applied file whose contents
// have changed is an error, and so is a database of one of these names that was made with another engine than Atomic: in one with the
// engine Replicated, each server would have rows of its own.
//
// A projection whose database does not exist yet gets its tables from the files in finished/, and the numbered files are recorded as
// applied with the last of them. One that has begun the other way goes on by its numbered files.
//
// Statements that fill a table of a projection from others run in pieces: the setting
// additional_table_filters limits what they read to some conversations, by a hash of their ids. After
// each piece, parley_meta.migrations records how far the statement is, under "progress of" its name,
// so that it continues there. A piece that needs too much memory is halved.
//
// [Tables.Check] changes nothing and lists what Up would do.
//
// # Versions
//
// A version is building, offered, live, kept or dropped, and its number is never
// used again. [Projections] has the rules, which are pure; each change is a turn (a numbered transition):
//
//	begin     new → building          by replay, verify and erase; continued only by the same maker
//	offer     building, kept → offered  by the command that has built it, or undo
//	withdraw  offered → the state before  by the command, or by a projector that cannot take it over, with the reason
//	swap      offered → live, live → kept, in one turn
//	drop      building, kept → dropped
//
// A turn is an insert into parley_meta.turns of what changes, numbered one higher
// than the latest turn that was read. The number is the insert's deduplication
// token, so of several processes that have read the same state, the server accepts the first and
// drops the others, which read and decide again. This is the only compare-and-set: exactly one
// version is live after every turn. A number whose insert was interrupted by a crash is skipped.
//
// The state is stored in ClickHouse, with the tables, although NATS has a compare-and-set too: a
// restored backup of the tables contains its own state, and every reader of the tables reads the
// state in the same place. In NATS it could refer to versions that the restored tables do not have.
// The server keeps 10,000 tokens; a process that sleeps for longer could make a turn twice.
//
// Tables.Live returns the new version from the turn on; the views follow one by one within
// milliseconds, and Up completes them if that is interrupted, and also removes remaining tables of
// dropped versions.
//
// A command that is interrupted withdraws its offer; one that is killed cannot. An offer may therefore have no
// command that waits for it. The projector accepts it when the version has caught up; undo and replay replace it. A
// version that is building stays until the next command that builds one, which continues or drops it. `parley doctor`
// lists the versions and these ways on.
//
// A model test runs all interleavings of a projector and two commands over the
// rules, with a crash and an interruption anywhere, and from every outcome one more
// undo and one more replay, which must succeed.
//
// # Comparing
//
// [Tables.Compare] compares two versions table by table, by checksum per bucket of
// keys first, and row by row only in the buckets that differ. Bookkeeping that
// depends on how rows were batched (_version, _deleted) is not compared.
//
// # Grants
//
// On your own server, create three users and two more without login, with whose rights the views
// read. The embedded engine has them already. The profile parley_bi and further requirements are in
// deploy/SECURITY.md.
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
