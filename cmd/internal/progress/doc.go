// Package progress shows how far long work has come: a bar on a terminal, lines on a
// pipe.
package progress
