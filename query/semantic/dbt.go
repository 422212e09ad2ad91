package semantic

import (
	"embed"
	"fmt"
	"strings"

	"github.com/parley-analytics/parley/schema/clickhouse"
	"github.com/parley-analytics/parley/schema/definition"
)

//go:embed dbt/*.sql
var models embed.FS

// The parts of a project of dbt, as its YAML names them.
type (
	properties struct {
		Version        int             `yaml:"version"`
		Sources        []source        `yaml:"sources"`
		Models         []model         `yaml:"models"`
		SemanticModels []semanticModel `yaml:"semantic_models"`
		Metrics        []metric        `yaml:"metrics"`
	}
	source struct {
		Name        string        `yaml:"name"`
		Description string        `yaml:"description"`
		Schema      string        `yaml:"schema"`
		Tables      []sourceTable `yaml:"tables"`
	}
	sourceTable struct {
		Name        string         `yaml:"name"`
		Description string         `yaml:"description"`
		Columns     []sourceColumn `yaml:"columns"`
	}
	sourceColumn struct {
		Name        string `yaml:"name"`
		Description string `yaml:"description,omitempty"`
		DataType    string `yaml:"data_type,omitempty"`
		Granularity string `yaml:"granularity,omitempty"`
	}
	model struct {
		Name        string         `yaml:"name"`
		Description string         `yaml:"description"`
		TimeSpine   *timeSpine     `yaml:"time_spine,omitempty"`
		Columns     []sourceColumn `yaml:"columns,omitempty"`
	}
	timeSpine struct {
		Column string `yaml:"standard_granularity_column"`
	}
	semanticModel struct {
		Name        string            `yaml:"name"`
		Description string            `yaml:"description"`
		Model       string            `yaml:"model"`
		Defaults    map[string]string `yaml:"defaults"`
		Entities    []entity          `yaml:"entities"`
		Dimensions  []dimension       `yaml:"dimensions"`
		Measures    []measure         `yaml:"measures"`
	}
	entity struct {
		Name string `yaml:"name"`
		Type string `yaml:"type"`
		Expr string `yaml:"expr"`
	}
	dimension struct {
		Name       string            `yaml:"name"`
		Type       string            `yaml:"type"`
		TypeParams map[string]string `yaml:"type_params,omitempty"`
	}
	measure struct {
		Name             string         `yaml:"name"`
		Description      string         `yaml:"description"`
		Agg              string         `yaml:"agg"`
		AggParams        map[string]any `yaml:"agg_params,omitempty"`
		Expr             string         `yaml:"expr"`
		AggTimeDimension string         `yaml:"agg_time_dimension"`
	}
	metric struct {
		Name        string         `yaml:"name"`
		Label       string         `yaml:"label"`
		Description string         `yaml:"description"`
		Type        string         `yaml:"type"`
		TypeParams  map[string]any `yaml:"type_params"`
	}
)

// project returns the files of a folder of models.
func project() ([]File, error) {
	p := properties{Version: 2}
	p.Sources = []source{{Name: "parley", Description: "Stable views of Parley, one row per key", Schema: clickhouse.ViewDatabase}}
	for _, t := range definition.Tables() {
		st := sourceTable{Name: t.Name, Description: t.Comment}
		for _, c := range t.Columns {
			st.Columns = append(st.Columns, sourceColumn{Name: c.Name, Description: c.Comment, DataType: c.Type})
		}
		p.Sources[0].Tables = append(p.Sources[0].Tables, st)
	}
	for _, t := range views() {
		p.Models = append(p.Models, model{Name: "parley_" + t.Name, Description: t.Comment})
		p.SemanticModels = append(p.SemanticModels, semanticModelOf(t))
	}
	p.Models = append(p.Models, model{
		Name: "parley_time_spine", Description: "One row per day, for MetricFlow",
		TimeSpine: &timeSpine{"date_day"}, Columns: []sourceColumn{{Name: "date_day", Granularity: "day"}},
	})
	for _, s := range singles() {
		p.add(s)
	}
	content, err := document(p)
	if err != nil {
		return nil, err
	}
	files := []File{{"parley/parley.yml", content}}
	entries, err := models.ReadDir("dbt")
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		statement, err := models.ReadFile("dbt/" + entry.Name())
		if err != nil {
			return nil, err
		}
		files = append(files, File{"parley/" + entry.Name(), statement})
	}
	return files, nil
}

// semanticModelOf is the model of a view, without measures.
func semanticModelOf(t definition.Table) semanticModel {
	m := semanticModel{
		Name: t.Name, Description: t.Comment, Model: "ref('parley_" + t.Name + "')",
		Defaults: map[string]string{"agg_time_dimension": countedBy(t.Name)},
		Entities: []entity{
			{Name: strings.TrimSuffix(t.Name, "s"), Type: "primary", Expr: keyOf(t.Key)},
		},
	}
	if t.Name != "conversations" {
		m.Entities = append(m.Entities, entity{Name: "conversation", Type: "foreign", Expr: keyOf(t.Key[:2])})
	}
	times := []string{countedBy(t.Name)}
	m.Dimensions = append(m.Dimensions, dimension{Name: "project_id", Type: "categorical"})
	for _, c := range t.Columns {
		switch kind := logicalType(c.Type); {
		case isKey(t, c.Name):
		case kind == "timestamp" && c.Name != times[0]:
			times = append(times, c.Name)
		case kind == "string", kind == "boolean", strings.HasSuffix(plainType(c.Type), "Int8"), strings.HasSuffix(c.Name, "_id"):
			m.Dimensions = append(m.Dimensions, dimension{Name: c.Name, Type: "categorical"})
		}
	}
	for _, name := range times {
		m.Dimensions = append(m.Dimensions, dimension{Name: name, Type: "time", TypeParams: map[string]string{"time_granularity": "second"}})
	}
	return m
}

// keyOf is a key of several columns as one expression.
func keyOf(columns []string) string {
	parts := make([]string, len(columns))
	for i, column := range columns {
		parts[i] = "toString(" + column + ")"
	}
	return "concat(" + strings.Join(parts, ", '/', ") + ")"
}

// countedBy is the time by which the figures of a view count.
func countedBy(view string) string {
	switch view {
	case "contacts":
		return "started_at"
	case "state_changes":
		return "changed_at"
	}
	return "closed_at"
}

// add adds a number: its measures, and the metrics over them.
func (p *properties) add(s single) {
	if s.over == nil {
		p.measure(s.name, s.description, s)
		return
	}
	numerator, denominator := s, s
	denominator.measure, denominator.scale = *s.over, 0
	p.measure(s.name+"_numerator", "Numerator of "+s.name, numerator)
	p.measure(s.name+"_denominator", "Denominator of "+s.name, denominator)
	p.Metrics = append(p.Metrics, metric{Name: s.name, Label: s.name, Description: s.description, Type: "ratio", TypeParams: map[string]any{
		"numerator": s.name + "_numerator", "denominator": s.name + "_denominator",
	}})
}

// measure adds a measure and the simple metric over it.
func (p *properties) measure(name, description string, s single) {
	m := measure{Name: name, Description: description, Expr: s.measure.Expression, AggTimeDimension: countedBy(s.measure.View)}
	if s.name == "created_conversations" {
		m.AggTimeDimension = "created_at"
	}
	one := max(s.scale, 1)
	switch {
	case s.statistic == "count":
		m.Agg = "count"
	case s.statistic == "mean":
		m.Agg = "average"
	case s.statistic == "percentile":
		m.Agg, m.AggParams = "percentile", map[string]any{"percentile": s.percentile, "use_discrete_percentile": false, "use_approximate_percentile": false}
	case s.measure.Aggregate == definition.Count:
		m.Agg, m.Expr = "sum", fmt.Sprintf("CASE WHEN %s THEN %d ELSE 0 END", s.measure.Expression, one)
	default:
		m.Agg = "sum"
		if one > 1 {
			m.Expr = fmt.Sprintf("%d * (%s)", one, s.measure.Expression)
		}
	}
	for i := range p.SemanticModels {
		if p.SemanticModels[i].Name == s.measure.View {
			p.SemanticModels[i].Measures = append(p.SemanticModels[i].Measures, m)
		}
	}
	p.Metrics = append(p.Metrics, metric{Name: name, Label: name, Description: description, Type: "simple", TypeParams: map[string]any{"measure": name}})
}
