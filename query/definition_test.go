package query_test

import (
	"testing"

	"github.com/parley-analytics/parley/schema/definition"
)

func TestAnswersHaveTheVersionOfTheDefinitions(t *testing.T) {
	type version struct{ DefinitionVersion int }
	data := ask[struct {
		Metrics, Concurrency version
		Transfers            []version
	}](t, theRig(t), reader(), `{
		metrics(`+always+`) { definitionVersion }
		concurrency(`+always+`) { definitionVersion }
		transfers(`+always+`, by: OPERATOR_KIND) { definitionVersion } }`, nil)
	want := definition.Read().Version
	if data.Metrics.DefinitionVersion != want || data.Concurrency.DefinitionVersion != want {
		t.Errorf("metrics %d, concurrency %d, want %d", data.Metrics.DefinitionVersion, data.Concurrency.DefinitionVersion, want)
	}
	if len(data.Transfers) == 0 || data.Transfers[0].DefinitionVersion != want {
		t.Errorf("transfers %v, want %d", data.Transfers, want)
	}
}
