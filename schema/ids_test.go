package schema_test

import (
	"testing"

	"github.com/parley-analytics/parley/schema"
)

func TestAProjectIDIsAPositiveGraphQLInt(t *testing.T) {
	for text, want := range map[string]schema.ProjectID{
		"1": 1, "007": 7, "2147483647": schema.MaxProjectID,
		"": 0, "0": 0, "-1": 0, "+1": 0, "1.0": 0, " 1": 0, "2147483648": 0, "4294967297": 0, "18446744073709551617": 0,
	} {
		got, err := schema.ParseProjectID(text)
		if got != want || (err == nil) != (want != 0) {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
}
