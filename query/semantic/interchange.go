package semantic

import (
	"fmt"
	"regexp"

	"github.com/parley-analytics/parley/schema/clickhouse"
	"github.com/parley-analytics/parley/schema/definition"
)

// The parts of a semantic model of Open Semantic Interchange, as its specification names them.
type (
	interchanged struct {
		Version       string             `yaml:"version"`
		SemanticModel []interchangeModel `yaml:"semantic_model"`
	}
	interchangeModel struct {
		Name          string         `yaml:"name"`
		Description   string         `yaml:"description"`
		AIContext     string         `yaml:"ai_context"`
		Datasets      []dataset      `yaml:"datasets"`
		Relationships []relationship `yaml:"relationships"`
		Metrics       []namedMetric  `yaml:"metrics"`
	}
	dataset struct {
		Name        string         `yaml:"name"`
		Source      string         `yaml:"source"`
		PrimaryKey  []string       `yaml:"primary_key"`
		Description string         `yaml:"description"`
		Fields      []datasetField `yaml:"fields"`
	}
	datasetField struct {
		Name        string     `yaml:"name"`
		Expression  expression `yaml:"expression"`
		Dimension   *timeRole  `yaml:"dimension,omitempty"`
		Description string     `yaml:"description"`
		DataType    string     `yaml:"datatype"`
	}
	timeRole struct {
		IsTime bool `yaml:"is_time"`
	}
	relationship struct {
		Name        string   `yaml:"name"`
		From        string   `yaml:"from"`
		To          string   `yaml:"to"`
		FromColumns []string `yaml:"from_columns"`
		ToColumns   []string `yaml:"to_columns"`
	}
	namedMetric struct {
		Name        string     `yaml:"name"`
		Expression  expression `yaml:"expression"`
		Description string     `yaml:"description"`
		DataType    string     `yaml:"datatype"`
	}
	expression struct {
		Dialects []dialect `yaml:"dialects"`
	}
	dialect struct {
		Dialect    string `yaml:"dialect"`
		Expression string `yaml:"expression"`
	}
)

func ansi(text string) expression { return expression{[]dialect{{"ANSI_SQL", text}}} }

// dataTypes are the types of the interchange, by those of the contract.
var dataTypes = map[string]string{
	"timestamp": "DateTimeTz", "integer": "Integer", "number": "Decimal", "boolean": "Boolean", "string": "String", "array": "Opaque", "object": "Opaque",
}

// interchange is the semantic model.
func interchange() interchanged {
	m := interchangeModel{
		Name: "parley", Description: fmt.Sprintf("Conversations and contacts of Parley, version %d of the definitions", definition.Read().Version),
		AIContext: "Figures of conversations and transactions count by conversations.closed_at, those of contacts by contacts.started_at, " +
			"created_conversations by conversations.created_at, changes of state by state_changes.changed_at. Amounts of different currencies must not be added up: group by transactions.currency.",
	}
	for _, t := range views() {
		d := dataset{Name: t.Name, Source: clickhouse.ViewDatabase + "." + t.Name, PrimaryKey: t.Key, Description: t.Comment}
		for _, c := range t.Columns {
			f := datasetField{Name: c.Name, Expression: ansi(c.Name), Description: c.Comment, DataType: dataTypes[logicalType(c.Type)]}
			if f.DataType == "DateTimeTz" {
				f.Dimension = &timeRole{true}
			}
			d.Fields = append(d.Fields, f)
		}
		m.Datasets = append(m.Datasets, d)
		if t.Name != "conversations" {
			m.Relationships = append(m.Relationships, relationship{
				Name: t.Name + "_of_conversations", From: t.Name, To: "conversations", FromColumns: t.Key[:2], ToColumns: t.Key[:2],
			})
		}
	}
	for _, s := range singles() {
		of := namedMetric{Name: s.name, Description: s.description, DataType: "Integer"}
		text := aggregated(s.measure, s.statistic, s.percentile)
		switch {
		case s.over != nil:
			of.DataType = "Float"
			text = fmt.Sprintf("%d.0 * %s / NULLIF(%s, 0)", max(s.scale, 1), text, aggregated(*s.over, "", 0))
		case s.measure.View == "transactions":
			of.DataType = "Decimal"
		case s.statistic != "" && s.statistic != "count":
			of.DataType = "Float"
		}
		of.Expression = ansi(text)
		m.Metrics = append(m.Metrics, of)
	}
	return interchanged{Version: "0.2.0.dev0", SemanticModel: []interchangeModel{m}}
}

// aggregated writes a measure as an aggregate over its dataset.
func aggregated(m definition.Measure, statistic string, percentile float64) string {
	text := qualified(m)
	switch {
	case statistic == "count":
		return "COUNT(" + text + ")"
	case statistic == "mean":
		return "AVG(" + text + ")"
	case statistic == "percentile":
		return fmt.Sprintf("PERCENTILE_CONT(%g) WITHIN GROUP (ORDER BY %s)", percentile, text)
	case m.Aggregate == definition.Count:
		return "SUM(CASE WHEN " + text + " THEN 1 ELSE 0 END)"
	}
	return "SUM(" + text + ")"
}

// column is a name in an expression of a measure, or a word of a literal in quotes.
var column = regexp.MustCompile(`'[^']*'|\b[a-z_]+\b`)

// qualified names the dataset of each column in a measure.
func qualified(m definition.Measure) string {
	for _, t := range views() {
		if t.Name != m.View {
			continue
		}
		words := column.ReplaceAllStringFunc(m.Expression, func(word string) string {
			for _, c := range t.Columns {
				if c.Name == word {
					return t.Name + "." + word
				}
			}
			return word
		})
		return words
	}
	return m.Expression
}
