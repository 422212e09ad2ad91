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

func TestMomentsAreStrictlyRFC3339(t *testing.T) {
	for _, text := range []string{
		"2020-06-01T00:00:00Z", "2020-06-01t00:00:00z", "2020-06-01T00:00:00.123456789012Z", "2020-06-01T00:00:00-00:00", "2020-06-01T23:59:59+23:59",
		"2020-02-29T00:00:00+05:45", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "1990-12-31T23:59:60Z", "1990-12-31T15:59:60-08:00",
	} {
		if _, err := (input{text}).moment("t"); err != nil {
			t.Errorf("%s is refused", text)
		}
	}
	for _, value := range []any{
		"", "2020-06-01", "2020-06-01T00:00Z", "2020-06-01T00:00:00", "2020-06-01 00:00:00Z", "2020-06-01T00:00:00,5Z", "2020-06-01T00:00:00.Z",
		"2020-06-01T24:00:00Z", "2020-06-01T0:00:00Z", "2020-6-1T00:00:00Z", "2020-06-01T00:60:00Z", "2020-06-01T00:00:60Z", "2020-06-01T12:59:60Z",
		"2020-06-31T00:00:00Z", "2021-02-29T00:00:00Z", "2020-13-01T00:00:00Z", "2020-00-01T00:00:00Z", "2020-06-00T00:00:00Z",
		"2020-06-01T00:00:00+24:00", "2020-06-01T00:00:00+2:00", "2020-06-01T00:00:00+0200", "2020-06-01T00:00:00+02", "2020-06-01T00:00:00+02:60",
		"2020-06-01T00:00:00 Z", " 2020-06-01T00:00:00Z", "2020-06-01T00:00:00Z ", "2020-06-01T00:00:00Z\n", "20200601T000000Z", "+2020-06-01T00:00:00Z",
		"12020-06-01T00:00:00Z", "2020-W23-1T00:00:00Z", "2020-153T00:00:00Z", "2020-06-01T00:00:00\u22120200", "２０20-06-01T00:00:00Z", "2020-06-01T00:00:00UTC",
		1590969600.0, int32(5), nil, true, []any{"2020-06-01T00:00:00Z"},
	} {
		if at, err := (input{value}).moment("t"); err == nil {
			t.Errorf("%v is taken as %s", value, at)
		}
	}
}
