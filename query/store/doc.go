// Package store reads the tables for package query: one .sql file below sql/,
// one method.
//
// # Statements
//
// A small statement builder ([newStatement]) completes the files. A file says
// what is read; its marks ($columns, $where, $order) are filled in with
// constants of this package: expressions for the requested columns, and
// conditions for the filters given. A filter that is not given leaves no trace,
// so that ClickHouse prunes by what is there: a fixed file with ({x:T} = … OR
// …) for each of the filters would read the columns of all of them.
//
// It is safe because no text from outside can get into a statement: a mark only
// takes what is in the source of this package, chosen by a closed set of names
// of the schema, and every value is a parameter ({name:Type}), bound on the
// server after the text has been parsed; so is the database of the projection.
// A statement cannot be begun without a scope, whose projects come first.
//
// # Rights
//
// What picks the rows of a statement begins with the projects of a scope ([within]): there
// is no other way to make one.
//
// # Pages
//
// A page is one statement in two steps: an inner SELECT finds the keys of the
// page and reads sort key and filter columns only, the outer one reads the
// requested columns at these keys. Both see one snapshot of the table. What
// hangs on the rows of a page is read for the whole page, by the sort keys of
// its tables: their conditions are a PREWHERE, so that of a granule nothing
// else is read, or merged, but the requested rows. That is right for columns of
// the sort key only, which all versions of a row have in common: a condition on
// any other column before FINAL would bring back an old version.
//
// # Contacts
//
// A contact repeats what it may be searched and grouped by of its conversation:
// [traits]. Only visitors are looked for among the conversations.
//
// # Limits
//
// Each statement has a timeout that ends it in ClickHouse too, and perhaps
// limits on memory and rows read. What they refuse is returned with a code;
// every other failure is internal.
package store
