// Package semantic writes the definitions of the figures (schema/definition) in the formats of other tools.
//
//	json      the definitions as they are
//	markdown  the table of the documentation, query/METRICS.md
//	dbt       a folder of models: a source over the stable views, thin models, semantic models and metrics (MetricFlow)
//	osi       a semantic model of Open Semantic Interchange (Apache Ossie), version 0.2.0.dev0
//	odcs      a data contract of the Open Data Contract Standard, version 3.1.0
//
// dbt and osi hold the figures that have a measure; a distribution becomes its count, mean and percentiles. The names are the
// figures' in snake_case. The contract lists the views with their columns, and as quality rules the checks of `parley verify` that SQL
// over the views can make: checks/*.sql, each of which returns 0.
//
// The outputs were checked by hand with the public JSON schemas of the three formats (dbt-jsonschema "latest", Ossie 0.2.0.dev0, ODCS
// 3.1.0); do so again after a change of their form. The suite checks names and references, and runs the contract's rules.
package semantic
