package schema_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parley-analytics/parley/schema"
)

func TestTimeIsCutToTheMillisecond(t *testing.T) {
	for text, want := range map[string]string{
		"2024-03-01T10:59:58Z":                 "2024-03-01T10:59:58.000Z",
		"2024-03-01T10:59:58.1Z":               "2024-03-01T10:59:58.100Z",
		"2024-03-01T10:59:58.12Z":              "2024-03-01T10:59:58.120Z",
		"2024-03-01T10:59:58.9999Z":            "2024-03-01T10:59:58.999Z",
		"2024-03-01T10:59:58.0009999999999Z":   "2024-03-01T10:59:58.000Z",
		"2024-03-01t10:59:58z":                 "2024-03-01T10:59:58.000Z",
		"2024-03-01T10:59:58+05:45":            "2024-03-01T05:14:58.000Z",
		"2024-03-01T00:00:00+23:59":            "2024-02-29T00:01:00.000Z",
		"2023-12-31T23:59:59.999-23:59":        "2024-01-01T23:58:59.999Z",
		"2024-03-01T10:59:58-00:00":            "2024-03-01T10:59:58.000Z",
		"1970-01-01T00:00:00Z":                 "1970-01-01T00:00:00.000Z",
		"1969-12-31T23:00:00-01:00":            "1970-01-01T00:00:00.000Z",
		"2199-12-31T23:59:59.999999Z":          "2199-12-31T23:59:59.999Z",
		"2200-01-01T00:59:59+01:00":            "2199-12-31T23:59:59.000Z",
		"2000-02-29T12:00:00Z":                 "2000-02-29T12:00:00.000Z",
		"2016-12-31T23:59:60Z":                 "2017-01-01T00:00:00.000Z",
		"2016-12-31T18:59:60.25-05:00":         "2017-01-01T00:00:00.250Z",
		"1970-01-01T05:29:60" + "+05:30":       "1970-01-01T00:00:00.000Z",
		"2024-03-01T10:59:58." + zeros(500):    "2024-03-01T10:59:58.000Z",
		"2024-03-01T10:59:58.001" + zeros(100): "2024-03-01T10:59:58.001Z",
	} {
		got, err := schema.ParseTimestamp(text)
		if err != nil || got.String() != want {
			t.Errorf("%s is %v, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "2100-02-29T00:00:00Z", "2024-03-01T10:59:58", "2016-12-31T23:58:60Z"} {
		if _, err := schema.ParseTimestamp(text); err == nil || !strings.Contains(err.Error(), "INVALID_FIELD") {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

func zeros(n int) string { return strings.Repeat("0", n) + "Z" }

func TestEveryDayOfTheRangeIsTheCalendars(t *testing.T) {
	end := time.Date(2200, time.January, 1, 0, 0, 0, 0, time.UTC)
	for day := time.Unix(0, 0).UTC(); day.Before(end); day = day.AddDate(0, 0, 1) {
		got, err := schema.ParseTimestamp(day.Format(time.RFC3339))
		if err != nil || got != schema.TimestampOf(day) {
			t.Fatalf("%v: got %v, %v", day, got, err)
		}
	}
}

func TestTimeIsWhatTheTimePackageReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(86_400, 7_258_032_000).Draw(t, "second"), rapid.Int64Range(0, 999_999_999).Draw(t, "nano"))
		zone := time.FixedZone("", rapid.IntRange(-23*60-59, 23*60+59).Draw(t, "offset")*60)
		text := at.In(zone).Format(time.RFC3339Nano)
		if got, err := schema.ParseTimestamp(text); err != nil || got != schema.TimestampOf(at) {
			t.Fatalf("%s is %v, %v; want %v", text, got, err, at.UTC())
		}
	})
}

func FuzzTimestamp(f *testing.F) {
	for _, text := range []string{"2024-03-01T10:59:58.123+01:00", "2024-02-29T00:00:00z", "1970-01-01T00:00:00Z", "2199-12-31T23:59:60Z"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := schema.ParseTimestamp(text)
		if err != nil {
			return
		}
		if len(text) > 19 && text[17:19] == "60" {
			text = text[:17] + "59" + text[19:]
			got -= 1000
		}
		want, err := time.Parse(time.RFC3339, strings.ToUpper(text))
		if err != nil || schema.TimestampOf(want) != got {
			t.Errorf("%s is %v; the time package says %v, %v", text, got, want, err)
		}
	})
}

func ExampleParseTimestamp() {
	at, err := schema.ParseTimestamp("2024-03-01T12:59:58.1239+02:00")
	fmt.Println(at, err)
	// Output: 2024-03-01T10:59:58.123Z <nil>
}
