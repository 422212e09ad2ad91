package semantic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/parley-analytics/parley/schema/definition"
)

// File is a file of an export. Name is a path with slashes, relative to the folder of the export.
type File struct {
	Name    string
	Content []byte
}

// Server is where the stable views are read.
type Server struct {
	Host string
	Port int
}

// Export writes the definitions in a format, as one file or, of dbt, several.
func Export(format string, at Server) ([]File, error) {
	switch format {
	case "json":
		content, err := indented(definition.Read())
		return []File{{"parley-definitions.json", content}}, err
	case "markdown":
		return []File{{"METRICS.md", table()}}, nil
	case "dbt":
		return project()
	case "osi":
		content, err := document(interchange())
		return []File{{"parley.osi.yaml", content}}, err
	case "odcs":
		content, err := document(contract(at))
		return []File{{"parley.odcs.yaml", content}}, err
	}
	return nil, fmt.Errorf("unknown format %q", format)
}

// indented writes JSON for people.
func indented(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(value)
	return out.Bytes(), err
}

// document writes YAML.
func document(value any) ([]byte, error) {
	var out bytes.Buffer
	fmt.Fprintf(&out, "# Written by `parley definitions export`, version %d of the definitions.\n", definition.Read().Version)
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	err := encoder.Close()
	return out.Bytes(), err
}

// table is the table of the documentation.
func table() []byte {
	var out bytes.Buffer
	d := definition.Read()
	fmt.Fprintf(&out, `# Figures

Version %d of the definitions, which is `+"`definitionVersion`"+` in answers. This file is made from `+
		"[schema/definition/definitions.json](../schema/definition/definitions.json);\n`parley definitions export` writes the same for dbt, Open Semantic Interchange and ODCS.\n", d.Version)
	within := ""
	for _, f := range d.Figures {
		if f.Type != within {
			within = f.Type
			fmt.Fprintf(&out, "\n## %s\n\n| figure | meaning | formula | unit | grain | time | edge cases |\n|---|---|---|---|---|---|---|\n", within)
		}
		fmt.Fprintf(&out, "| `%s` | %s | %s | %s | %s | %s | %s |\n", f.Name, f.Description, f.Formula, f.Unit, f.Grain, f.Time, strings.Join(f.Edges, ". "))
	}
	return out.Bytes()
}

// single is one number of a figure: a distribution has several.
type single struct {
	name        string
	description string
	measure     definition.Measure
	statistic   string  // of a distribution: count, mean or a percentile
	percentile  float64 // of a percentile
	over        *definition.Measure
	scale       int
}

// singles are the numbers that one aggregate computes, or the quotient of two.
func singles() []single {
	var list []single
	for _, f := range definition.Read().Figures {
		if f.Measure == nil || f.Measure.Aggregate == definition.Level {
			continue
		}
		s := single{name: f.Column(), description: f.Sentences(), measure: *f.Measure, over: f.Over, scale: f.Scale}
		if f.Measure.Aggregate != definition.Distributed {
			list = append(list, s)
			continue
		}
		for _, statistic := range []struct {
			suffix, name string
			percentile   float64
		}{
			{"count", "count", 0}, {"mean_ms", "mean", 0}, {"median_ms", "percentile", 0.5},
			{"p90_ms", "percentile", 0.9}, {"p95_ms", "percentile", 0.95}, {"p99_ms", "percentile", 0.99},
		} {
			of := s
			of.name, of.statistic, of.percentile = s.name+"_"+statistic.suffix, statistic.name, statistic.percentile
			list = append(list, of)
		}
	}
	return list
}

// measured are the views that have measures, which are also the models of dbt and the datasets of the interchange.
var measured = []string{"conversations", "contacts", "transactions", "state_changes"}

// views returns the tables that have measures.
func views() []definition.Table {
	return slices.DeleteFunc(definition.Tables(), func(t definition.Table) bool { return !slices.Contains(measured, t.Name) })
}

// isKey reports whether a column is part of the key.
func isKey(t definition.Table, column string) bool { return slices.Contains(t.Key, column) }

// plainType is the type of a column without Nullable and LowCardinality.
func plainType(of string) string {
	for _, wrapper := range []string{"LowCardinality(", "Nullable("} {
		if inner, wrapped := strings.CutPrefix(of, wrapper); wrapped {
			of = strings.TrimSuffix(inner, ")")
		}
	}
	return of
}

// logicalType is the type of a column in the words of the contract.
func logicalType(of string) string {
	switch of = plainType(of); {
	case strings.HasPrefix(of, "DateTime"):
		return "timestamp"
	case strings.HasPrefix(of, "Int"), strings.HasPrefix(of, "UInt"):
		return "integer"
	case strings.HasPrefix(of, "Decimal"):
		return "number"
	case strings.HasPrefix(of, "Array"):
		return "array"
	case strings.HasPrefix(of, "Map"):
		return "object"
	case of == "Bool":
		return "boolean"
	}
	return "string"
}
