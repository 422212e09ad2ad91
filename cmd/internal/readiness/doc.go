// Package readiness knows which parts of a process are ready: each part has a check,
// and is "starting" until it has one. A part may be needed to take events in, to answer
// queries, or both; one that is needed for neither still has to be looked after.
//
// [Progress] is the check that the rows people read keep up with the log.
package readiness
