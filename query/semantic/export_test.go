package semantic_test

import (
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/parley-analytics/parley/query/semantic"
	"github.com/parley-analytics/parley/schema/definition"
	"github.com/parley-analytics/parley/schema/graphql"
)

var rewrite = flag.Bool("rewrite", false, "write query/METRICS.md")

func exported(t *testing.T, format string) []semantic.File {
	t.Helper()
	files, err := semantic.Export(format, semantic.Server{Host: "127.0.0.1", Port: 8123})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestTheTableOfTheDocumentationIsCurrent(t *testing.T) {
	want := exported(t, "markdown")[0].Content
	got, err := os.ReadFile("../METRICS.md")
	if err == nil && string(got) == string(want) {
		return
	}
	if !*rewrite {
		t.Fatal("query/METRICS.md does not have the definitions: go test ./query/semantic -rewrite")
	}
	if err := os.WriteFile("../METRICS.md", want, 0o600); err != nil {
		t.Fatal(err)
	}
}

// bounds are numbers of the answer that the caller gave.
var bounds = []string{"DistributionShare.ms", "DistributionBin.from", "DistributionBin.to"}

func TestEveryFigureIsDefinedAndEveryDefinitionIsAFigure(t *testing.T) {
	defined := map[string]bool{}
	for _, f := range definition.Read().Figures {
		key := f.Type + "." + f.Name
		if defined[key] {
			t.Errorf("%s is defined twice", key)
		}
		defined[key] = true
		if f.Unit == "" || f.Grain == "" || f.Time == "" || f.Description == "" || f.Formula == "" || f.Edges == nil {
			t.Errorf("%s lacks a unit, grain, time, description, formula or list of edge cases", key)
		}
	}
	types := regexp.MustCompile(`(?ms)^type (\w+) \{\n(.*?)^\}`)
	figure := regexp.MustCompile(`(?m)^  (\w+): (?:Long!?|Float!?|\[Money!\]!|Distribution!)$`)
	for _, found := range types.FindAllStringSubmatch(graphql.SDL(), -1) {
		of := found[1]
		if !slices.Contains([]string{"MetricsBucket", "ConcurrencyBucket", "TransferCount", "Distribution", "DistributionShare", "DistributionBin"}, of) {
			continue
		}
		for _, field := range figure.FindAllStringSubmatch(found[2], -1) {
			if key := of + "." + field[1]; !slices.Contains(bounds, key) {
				if !defined[key] {
					t.Errorf("%s is not defined in schema/definition/definitions.json", key)
				}
				delete(defined, key)
			}
		}
	}
	for key := range defined {
		t.Errorf("%s is defined, but is not a figure of the SDL", key)
	}
}

// names are those of the numbers that exports hold.
func names(t *testing.T, list any, key string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, item := range list.([]any) {
		name := item.(map[string]any)[key].(string)
		if found[name] {
			t.Errorf("%s is there twice", name)
		}
		found[name] = true
	}
	return found
}

func decoded(t *testing.T, content []byte) map[string]any {
	t.Helper()
	var document map[string]any
	if err := yaml.Unmarshal(content, &document); err != nil {
		t.Fatalf("%v\n%s", err, content)
	}
	return document
}

// TestModelsOfOtherToolsHoldTheMeasuredFigures looks at names and references; dbt and the schemas of the formats are not part of the
// suite.
func TestModelsOfOtherToolsHoldTheMeasuredFigures(t *testing.T) {
	want := []string{"closed_conversations", "answer_rate", "csat", "nps", "revenue", "average_order_value", "wait_median_ms", "resolution_p99_ms", "handle_count", "first_closings", "reopenings", "snooze_return_median_ms"}
	files := exported(t, "dbt")
	project := decoded(t, files[0].Content)
	metrics := names(t, project["metrics"], "name")
	models := names(t, project["models"], "name")
	for _, file := range files[1:] {
		name := strings.TrimSuffix(file.Name[strings.LastIndex(file.Name, "/")+1:], ".sql")
		if !models[name] {
			t.Errorf("%s has no entry in parley.yml", file.Name)
		}
	}
	measures := map[string]bool{}
	for _, m := range project["semantic_models"].([]any) {
		of := m.(map[string]any)
		if model := strings.TrimSuffix(strings.TrimPrefix(of["model"].(string), "ref('"), "')"); !models[model] {
			t.Errorf("there is no model %s", model)
		}
		dimensions := names(t, of["dimensions"], "name")
		for _, item := range of["measures"].([]any) {
			if time := item.(map[string]any)["agg_time_dimension"].(string); !dimensions[time] {
				t.Errorf("%v counts by %s, which is not a dimension", of["name"], time)
			}
		}
		for name := range names(t, of["measures"], "name") {
			measures[name] = true
		}
	}
	for _, item := range project["metrics"].([]any) {
		params := item.(map[string]any)["type_params"].(map[string]any)
		for key, value := range params {
			if key == "measure" && !measures[value.(string)] || key != "measure" && !metrics[value.(string)] {
				t.Errorf("%v refers to %v, which there is not", item, value)
			}
		}
	}
	interchange := decoded(t, exported(t, "osi")[0].Content)["semantic_model"].([]any)[0].(map[string]any)
	inInterchange := names(t, interchange["metrics"], "name")
	for _, name := range want {
		if !metrics[name] || !inInterchange[name] {
			t.Errorf("%s is in dbt: %v, in the interchange: %v", name, metrics[name], inInterchange[name])
		}
	}
	for _, item := range interchange["metrics"].([]any) {
		text := item.(map[string]any)["expression"].(map[string]any)["dialects"].([]any)[0].(map[string]any)["expression"].(string)
		if !regexp.MustCompile(`(conversations|contacts|transactions|state_changes)\.[a-z_]+`).MatchString(text) {
			t.Errorf("%v names no column of a dataset: %s", item, text)
		}
	}
}
