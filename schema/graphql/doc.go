// Package graphql holds the SDL: every type, field, argument and value of the
// query API, each with a description. What a number means is defined there and
// nowhere else; GraphiQL shows it, and client generators read the file as it
// is. The descriptions of figures are written from schema/definition. A test in
// package query parses the file against the Go types.
package graphql
