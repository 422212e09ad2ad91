// Package process starts and stops the parts of a command that stays.
//
// Parts are added in the order in which they start and stop in reverse, each to
// its end before the next. A part that fails by itself ends the process.
package process
