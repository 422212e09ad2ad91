package definition

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"strings"
	"unicode"
)

//go:embed definitions.json
var definitions []byte

//go:embed tables.json
var tables []byte

// Definitions is the file.
type Definitions struct {
	Version int      `json:"version"`
	Figures []Figure `json:"figures"`
}

// Figure is one figure of the SDL.
type Figure struct {
	Type        string   `json:"type"` // of the SDL, which has a field of the name
	Name        string   `json:"name"`
	Unit        string   `json:"unit"`
	Grain       string   `json:"grain"` // what one row is that is counted
	Time        string   `json:"time"`  // that decides the step
	Description string   `json:"description"`
	Formula     string   `json:"formula"`
	Edges       []string `json:"edges"`

	// Measure is the figure as an aggregate over a view, Over what that is divided by, Scale what the quotient is multiplied by.
	// They are nil and 0 where there is none.
	Measure *Measure `json:"measure,omitempty"`
	Over    *Measure `json:"over,omitempty"`
	Scale   int      `json:"scale,omitempty"`
}

// Aggregate says what is computed over the rows of a view.
type Aggregate string

// The aggregates.
const (
	Count       Aggregate = "count"        // rows for which the expression is true
	Sum         Aggregate = "sum"          // of the expression
	Level       Aggregate = "level"        // sum of the expression over all rows before the end of the step
	Distributed Aggregate = "distribution" // mean and percentiles of the expression in milliseconds
)

// Measure is an aggregate over a stable view.
type Measure struct {
	View       string    `json:"view"`
	Aggregate  Aggregate `json:"aggregate"`
	Expression string    `json:"expression"`
}

// Table is a stable view.
type Table struct {
	Name    string   `json:"name"`
	Comment string   `json:"comment"`
	Key     []string `json:"key"` // identifies a row
	Columns []Column `json:"columns"`
}

// Column is a column of a view, with the type of ClickHouse.
type Column struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Comment string `json:"comment"`
}

// Read returns the definitions.
func Read() *Definitions {
	d := new(Definitions)
	decode(definitions, d)
	return d
}

// Tables returns the stable views.
func Tables() []Table {
	var list []Table
	decode(tables, &list)
	return list
}

// decode reads a file of the binary.
func decode(file []byte, into any) {
	decoder := json.NewDecoder(bytes.NewReader(file))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		panic(err) // the file is part of the binary
	}
}

// Column is the name as columns and other tools write names: in snake_case.
func (f *Figure) Column() string {
	var out strings.Builder
	for _, r := range f.Name {
		if unicode.IsUpper(r) {
			out.WriteByte('_')
		}
		out.WriteRune(unicode.ToLower(r))
	}
	return out.String()
}

// Sentences describes the figure in full sentences.
func (f *Figure) Sentences() string {
	sentences := append([]string{f.Description, "Formula: " + f.Formula}, f.Edges...)
	sentences = append(sentences, "Unit: "+f.Unit+"; grain: "+f.Grain+"; time: "+f.Time)
	return strings.Join(sentences, ". ") + "."
}
