// Package store reads the tables for package query: each .sql file below sql/ has one method.
//
// # Statements
//
// A small statement builder ([newStatement]) completes the files. A file contains the statement;
// its placeholders ($columns, $where, $order) are filled in with constants of this package:
// expressions for the requested columns, and conditions for the filters in use. A filter that is
// not used adds nothing to the statement, so that ClickHouse can prune: a fixed file with ({x:T} =
// … OR …) for each filter would read the columns of all of them.
//
// It is safe because no text from outside can enter a statement: a placeholder only receives text
// from the source of this package, chosen by a closed set of names of the schema, and every value
// is a parameter ({name:Type}), bound on the server after the text has been parsed; so is the
// database of the projection. A statement cannot be started without a scope, whose projects are its
// first condition.
//
// # Rights
//
// The condition of every statement begins with the projects of a scope ([within]): there is no
// other way to create one.
//
// # Pages
//
// A page is one statement in two steps: an inner SELECT finds the keys of the
// page and reads sort key and filter columns only, the outer one reads the requested columns at
// these keys. Both see one snapshot of the table. Rows that belong to the rows of a page are read
// for the whole page, by the sort keys of their tables: these conditions are a PREWHERE, so that
// only the requested rows of a granule are read and merged. That is correct only for columns of the
// sort key, which all versions of a row have in common: a condition on any other column before
// FINAL could return an old version.
//
// # Contacts
//
// A contact copies the columns of its conversation by which it can be filtered and grouped:
// [traits]. Only visitors are looked up in the conversations.
//
// # Limits
//
// Each statement has a timeout that also ends it in ClickHouse, and optional limits on memory and
// rows read. Exceeding them is an error with a code; every other failure is internal.
package store
