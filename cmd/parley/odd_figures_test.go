package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// oddly asks a document that may be refused, and returns data and the first error.
func (i *instance) oddly(t *testing.T, query string) (data map[string]any, code, name, message string) {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	got := i.do(t, request{
		method: http.MethodPost, path: graphQLPath, body: string(body), key: &i.admin,
		headers: map[string]string{"Content-Type": "application/json", "Accept": "application/vnd.iadvize.figures-preview+json"},
	})
	var answered struct {
		Data   map[string]any
		Errors []struct {
			Message    string
			Extensions struct{ Code, Name string }
		}
	}
	if err := json.Unmarshal(got.body, &answered); err != nil || got.status != http.StatusOK {
		t.Fatalf("%s\nanswered %s", query, got)
	}
	if len(answered.Errors) > 0 {
		e := answered.Errors[0]
		return answered.Data, e.Extensions.Code, e.Extensions.Name, e.Message
	}
	return answered.Data, "", "", ""
}

const oddDay = `interval: {from: "2025-05-05T00:00:00Z", to: "2025-05-06T00:00:00Z"}`

func TestOddQuestionsAboutFiguresAreRefusedWithTheRule(t *testing.T) {
	i := running(t)
	ever := `interval: {from: "1970-01-01T00:00:00Z", to: "2199-12-31T00:00:00Z"}`
	many := "[" + strings.Repeat("1,", 100) + "1]"
	for document, want := range map[string]string{
		`{ metrics(interval: {from: "2025-05-06T00:00:00Z", to: "2025-05-05T00:00:00Z"}) { total { openAtEnd } } }`:                     "interval: from must be before to",
		`{ metrics(interval: {from: "2025-05-05T00:00:00Z", to: "2025-05-05T02:00:00+02:00"}) { total { contacts } } }`:                 "interval: from must be before to",
		`{ metrics(` + ever + `, step: QUARTER_HOUR) { buckets { openAtEnd } } }`:                                                       "step: must divide the interval into at most 10000 steps",
		`{ metrics(` + oddDay + `, step: DAY, timeZone: "Mars/Olympus") { buckets { contacts } } }`:                                     "timeZone: ",
		`{ metrics(` + oddDay + `, timeZone: "") { total { contacts } } }`:                                                              "timeZone: ",
		`{ metrics(` + oddDay + `, timeZone: "europe/paris") { total { contacts } } }`:                                                  "timeZone: ",
		`{ metrics(` + oddDay + `, timeZone: "+02:00") { total { contacts } } }`:                                                        "timeZone: ",
		`{ metrics(` + oddDay + `, groupBy: [CHANNEL, CHANNEL]) { buckets { contacts } } }`:                                             "groupBy: must not name a dimension twice",
		`{ metrics(` + oddDay + `, groupBy: [CHANNEL, TAG, STATUS, ENDING]) { buckets { contacts } } }`:                                 "groupBy: must name at most 3 dimensions",
		`{ metrics(` + oddDay + `, groupBy: CUSTOM_DATA) { buckets { contacts } } }`:                                                    "customDataKey: is required with CUSTOM_DATA",
		`{ metrics(` + oddDay + `, customDataKey: "page") { total { contacts } } }`:                                                     "customDataKey: is allowed only with CUSTOM_DATA in groupBy",
		`{ metrics(` + oddDay + `, groupBy: CUSTOM_DATA, customDataKey: "` + strings.Repeat("k", 257) + `") { buckets { contacts } } }`: "customDataKey: must have at most 256 bytes",
		`{ metrics(` + oddDay + `, groupBy: HOUR_OF_DAY) { buckets { closings } } }`:                                                    "groupBy: HOUR_OF_DAY and DAY_OF_WEEK do not apply to states over time: use step",
		`{ metrics(` + oddDay + `) { total { wait { within(ms: ` + many + `) { count } } } } }`:                                         "ms: must hold at most 100 values",
		`{ metrics(` + oddDay + `) { total { wait { histogram(bounds: [5, 5]) { count } } } } }`:                                        "bounds: must ascend, each bound once",
		`{ metrics(` + oddDay + `) { total { wait { histogram(bounds: [5, 4]) { count } } } } }`:                                        "bounds: must ascend, each bound once",
		`{ metrics(` + oddDay + `, contactFilters: {waitMs: {min: 2, max: 1}}) { total { contacts } } }`:                                "contactFilters.waitMs: min must not be above max",
		`{ contacts(` + oddDay + `, contactFilters: {durationMs: {min: -1}}) { totalCount } }`:                                          "contactFilters.durationMs.min: must be an integer from 0 to 9007199254740991",
		`{ conversations(` + oddDay + `, filters: {rows: ""}) { totalCount } }`:                                                         "filters.rows: must be a handle from a bucket of metrics",
		`{ concurrency(` + ever + `, step: MONTH, by: OPERATOR, filters: {rows: "e30"}) { total { peak } } }`:                           "filters.rows: must be a handle from a bucket of metrics",
		`{ concurrency(` + ever + `, step: HOUR) { buckets { peak } } }`:                                                                "step: must divide the interval into at most 10000 steps",
		`{ transfers(interval: {from: "2025-05-06T00:00:00Z", to: "2025-05-05T00:00:00Z"}) { count } }`:                                 "interval: from must be before to",
		`{ conversions(interval: {from: "2025-05-06T00:00:00Z", to: "2025-05-05T00:00:00Z"}) { totalCount } }`:                          "interval: from must be before to",
		`{ conversions(` + oddDay + `, first: 101) { pageInfo { hasNextPage } } }`:                                                      "first: must be an integer from 0 to 100",
		`{ conversions(` + oddDay + `, after: "x") { pageInfo { hasNextPage } } }`:                                                      "after: must be a cursor of the same field, filters, interval, order and rights",
		`{ users(first: -1) { pageInfo { hasNextPage } } }`:                                                                             "first: must be an integer from 0 to 100",
		`{ users(first: 1, last: 1) { pageInfo { hasNextPage } } }`:                                                                     "last: must not be given together with first",
		`{ users(before: "eyJ") { pageInfo { hasNextPage } } }`:                                                                         "before: must be a cursor of the same field, filters, interval, order and rights",
		`{ contacts(` + oddDay + `, filters: {groupIds: "a", routingGroupIds: "a"}) { totalCount } }`:                                   "filters.groupIds: must not be given together with routingGroupIds: both are names of the same filter",
	} {
		if _, code, name, message := i.oddly(t, document); code != "BAD_USER_INPUT" || name != code || !strings.HasPrefix(message, want) {
			t.Errorf("%.200s\nis refused with %s %s: %s, want %s", document, code, name, message, want)
		}
	}
}

func TestOddQuestionsAboutFiguresThatHaveAnAnswer(t *testing.T) {
	i := running(t)
	for document, want := range map[string]string{
		// Nobody is in a project that there is not.
		`{ users(projectIds: [-5, 2147483647]) { totalCount edges { cursor } } }`:                                                                              `{"users":{"edges":[],"totalCount":0}}`,
		`{ conversions(` + oddDay + `, filters: {projectIds: 2147483647}, after: "", before: null) { totalCount } }`:                                           `{"conversions":{"totalCount":0}}`,
		`{ metrics(` + oddDay + `, filters: {projectIds: 2147483647}, groupBy: [], timeZone: null) { buckets { openAtEnd contacts } } }`:                       `{"metrics":{"buckets":[{"contacts":0,"openAtEnd":0}]}}`,
		`{ metrics(` + oddDay + `, filters: {projectIds: 2147483647}) { total { wait { within(ms: []) { count } histogram(bounds: []) { count share } } } } }`: `{"metrics":{"total":{"wait":{"histogram":[{"count":0,"share":null}],"within":[]}}}}`,
		`{ concurrency(` + oddDay + `, filters: {projectIds: 2147483647}, by: OPERATOR) { total { peak peakAt } buckets { peak } } }`:                          `{"concurrency":{"buckets":[],"total":{"peak":0,"peakAt":null}}}`,
		`{ transfers(` + oddDay + `, filters: {projectIds: 2147483647}) { count } }`:                                                                           `{"transfers":[]}`,
	} {
		data, code, _, message := i.oddly(t, document)
		if got, err := json.Marshal(data); err != nil || code != "" || string(got) != want {
			t.Errorf("%s\nanswers %s (%s %s), want %s", document, got, code, message, want)
		}
	}
	// The days on which the clock changes, and steps of a quarter of an hour on them.
	for _, day := range []struct {
		from, to, zone, step string
		want                 int
	}{
		{"2025-03-30T00:00:00+01:00", "2025-03-31T00:00:00+02:00", "Europe/Paris", "HOUR", 23},
		{"2025-10-26T00:00:00+02:00", "2025-10-27T00:00:00+01:00", "Europe/Paris", "HOUR", 25},
		{"2025-10-26T00:00:00+02:00", "2025-10-27T00:00:00+01:00", "Europe/Paris", "QUARTER_HOUR", 100},
		{"2025-10-26T00:00:00+02:00", "2025-10-27T00:00:00+01:00", "Europe/Paris", "DAY", 1},
		{"2025-04-06T00:00:00+11:00", "2025-04-07T00:00:00+10:30", "Australia/Lord_Howe", "HALF_HOUR", 49},
	} {
		for _, field := range []string{"metrics", "concurrency"} {
			bucket := map[string]string{"metrics": "openAtEnd", "concurrency": "peak"}[field]
			data, code, _, message := i.oddly(t, fmt.Sprintf(`{ %s(interval: {from: %q, to: %q}, filters: {projectIds: 2147483647}, step: %s, timeZone: %q) { buckets { from to %s } } }`,
				field, day.from, day.to, day.step, day.zone, bucket))
			var starts []string
			for _, b := range list(data, field, "buckets") {
				starts = append(starts, label(b, "from"))
			}
			if code != "" || len(starts) != day.want || !slices.IsSorted(starts) {
				t.Errorf("%s, %v: %d steps, want %d (%s)", field, day, len(starts), day.want, message)
			}
		}
	}
}
