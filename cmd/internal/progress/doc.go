// Package progress shows the progress of long work: a bar on a terminal, lines on a pipe.
package progress
