package query

import (
	"encoding/json"
	"testing"

	"github.com/shopspring/decimal"
)

func TestScalarsAreWrittenAsTheSDLSays(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{DateTime(1_591_000_200_000), `"2020-06-01T08:30:00.000Z"`},
		{DateTime(1_591_000_200_007), `"2020-06-01T08:30:00.007Z"`},
		{Long(9_007_199_254_740_993), `9007199254740993`},
		{LegacyID(9_007_199_254_740_991), `9007199254740991`},
		{Decimal{decimal.RequireFromString("12345678901234.5678")}, `12345678901234.5678`},
		{Decimal{decimal.RequireFromString("-0.1000")}, `-0.1`},
		{Decimal{decimal.New(1, 20)}, `100000000000000000000`},
	} {
		if got, err := json.Marshal(c.value); err != nil || string(got) != c.want {
			t.Errorf("%v is written %s, want %s (%v)", c.value, got, c.want, err)
		}
	}
}

func TestDurationsAreWholeSecondsRoundedDown(t *testing.T) {
	for ms, want := range map[int64]string{0: "PT0S", 900: "PT0S", 999: "PT0S", 1000: "PT1S", 312_999: "PT312S", 90_000_000: "PT90000S"} {
		if got := isoDuration(&ms); *got != want {
			t.Errorf("%d ms is %s, want %s", ms, *got, want)
		}
	}
	if isoDuration(nil) != nil {
		t.Error("an open conversation has a duration")
	}
}

func TestIntervalsAreReadToTheMillisecond(t *testing.T) {
	read := func(from, to string) (Interval, error) {
		return intervalInput{input{from}, input{to}}.interval()
	}
	for _, c := range []struct {
		from, to string
		want     Interval
	}{
		{"1970-01-01T00:00:00Z", "1970-01-01T00:00:01Z", Interval{0, 1000}},
		{"1970-01-01T01:00:00.0009+01:00", "1970-01-01T00:00:00.0011z", Interval{1, 2}},
		{"0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", Interval{firstMoment, lastMoment}},
		{"1969-12-31T23:59:59.9991Z", "1970-01-01T00:00:00.001Z", Interval{0, 1}},
	} {
		if got, err := read(c.from, c.to); err != nil || got != c.want {
			t.Errorf("%s to %s is %v, want %v (%v)", c.from, c.to, got, c.want, err)
		}
	}
	if _, err := read("2020-01-01T00:00:00.0002Z", "2020-01-01T00:00:00.0001Z"); err == nil {
		t.Error("an interval that ends before it begins is taken")
	}
}
