// Package readiness knows which parts of a process are ready: each part has a check,
// and is "starting" until it has one.
package readiness
