// Package crash kills the process at a point that a test names.
package crash
