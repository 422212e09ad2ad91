// Package saved asks a GraphQL question again as of the position at which it was saved, and compares the answer with the present one.
//
// A [Question] is a document of one query whose fields answer as of a position (the argument asOf). What differs in every
// answer is left out of it: positions, cursors and handles. [Compare] finds what differs between two answers: objects of a list
// are matched by what names them (a step and dimensions, an id), not by their places.
package saved
