// Package process starts and stops the parts of a long-running command.
//
// Parts are added in the order in which they start, and stop in reverse order, each completely
// before the next. A part that fails by itself ends the process.
package process
