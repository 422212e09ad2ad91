// Package definition holds what each figure means: name, unit, formula, grain, the time it counts by, and edge cases, in
// definitions.json.
//
// # What is made from it
//
//	schema/graphql/schema.graphql  the descriptions of the figures (TestDescriptionsComeFromDefinitions)
//	query/METRICS.md               the table of the documentation (query/semantic)
//	parley definitions export      models and contracts for other tools (query/semantic)
//	definitionVersion              in answers of metrics, concurrency and transfers
//
// After a change of the file: go test ./schema/definition ./query/semantic -rewrite
//
// # Version
//
// The version rises when a figure that existed gets another unit, formula, grain, time, edge case or measure, or is removed: a report
// that was written with the earlier version may then show another number. New figures and better wording of a description do not
// raise it. versions.json holds a hash of what each figure meant when the version was last raised; a test compares.
//
// # Measures
//
// A figure that is an aggregate over one of the stable views of ClickHouse has a measure, and a rate a second one that it is divided
// by. Expressions are plain SQL that ClickHouse and other engines read. A level adds up changes of state from the beginning to the end of a
// step. Concurrency and transfers have no measure: they cannot be written as one aggregate.
//
// tables.json holds the views with the types and comments of their columns, as ClickHouse lists them; a test of projector/tables
// compares.
package definition
