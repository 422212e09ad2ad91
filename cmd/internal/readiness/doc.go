// Package readiness tracks which parts of a process are ready: each part has a check, and is
// "starting" until it has one. A part may be needed to accept events, to answer queries, or both; a
// part needed for neither still requires attention.
//
// [Progress] checks that the rows served to queries keep up with the log.
package readiness
