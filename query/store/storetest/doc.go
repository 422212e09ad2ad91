// Package storetest fills the tables of a projection with rows made up for
// tests, and answers questions about them in plain Go, row by row. It knows
// nothing of package query and of its SQL, so that the two can check each
// other.
//
// The rows are not folded from events: they are consistent where the contract
// ties one column to another, and random elsewhere.
package storetest
