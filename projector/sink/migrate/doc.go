// Package migrate makes and changes the tables and views of schema/clickhouse on
// a server, and says which projection is live.
//
// [Up] brings a server to what the files say: databases (engine Atomic), the
// tables of parley_meta, projection 1 on a new server, the tables of every
// projection that is not dropped, and the views over the live one. It finds out
// what is missing, applies it, and looks again until nothing is. So it may be
// stopped anywhere, repeated, or run by several processes at once: each
// statement may be repeated, and what was applied is noted after it was.
// A file that was applied and has other contents now is an error.
//
// [Check] changes nothing and names what Up would do.
//
// # Projections
//
// A version goes through the states building, offered, live, kept and dropped,
// and its number is never used again. [CreateProjection] makes the next one beside the
// live one, [SwapViews] makes it live: from one insert on, [Live] answers the new
// version to everyone; the views follow one by one within milliseconds, and Up
// completes them if that is cut short. [DropProjection] removes one that is not
// live.
//
// # Grants
//
// On a server of your own, make three users. The embedded engine has them
// already.
//
//	CREATE USER parley_writer IDENTIFIED BY '…';
//	GRANT ALL ON parley.* TO parley_writer;
//	GRANT ALL ON `parley\_*`.* TO parley_writer;
//	GRANT TABLE ENGINE ON * TO parley_writer;
//	GRANT SET DEFINER ON parley_writer TO parley_writer;
//	GRANT SELECT ON system.databases TO parley_writer;
//	GRANT SELECT ON system.tables TO parley_writer;
//	GRANT SELECT ON system.columns TO parley_writer;
//
//	CREATE USER parley_reader IDENTIFIED BY '…' SETTINGS readonly = 2;
//	GRANT SELECT ON parley.* TO parley_reader;
//	GRANT SELECT ON `parley\_*`.* TO parley_reader;
//
//	CREATE USER parley_bi IDENTIFIED BY '…' SETTINGS readonly = 2;
//	GRANT SELECT ON parley.conversations TO parley_bi; -- and so on, one per view it may read
//
// The views run with the rights of the user that made them (SQL SECURITY
// DEFINER), so a dashboard's user needs the views only.
package migrate
