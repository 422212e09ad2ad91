package schema_test

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/parley-analytics/parley/schema"
)

func TestAmountIsWrittenShortAndExact(t *testing.T) {
	for text, want := range map[string]struct {
		amount  schema.Amount
		written string
	}{
		"0":                    {0, "0"},
		"-0":                   {0, "0"},
		"0.0000":               {0, "0"},
		"129.90":               {1_299_000, "129.9"},
		"-5":                   {-50_000, "-5"},
		"0.0001":               {1, "0.0001"},
		"-0.0100":              {-100, "-0.01"},
		"10.05":                {100_500, "10.05"},
		"99999999999999.9999":  {999_999_999_999_999_999, "99999999999999.9999"},
		"-99999999999999.9999": {-999_999_999_999_999_999, "-99999999999999.9999"},
	} {
		got, err := schema.ParseAmount(text)
		if err != nil || got != want.amount || got.String() != want.written {
			t.Errorf("%s is %d, written %s, %v", text, got, got, err)
		}
	}
	if got := schema.Amount(math.MinInt64).String(); got != "-922337203685477.5808" {
		t.Errorf("the least int64 is written %s", got)
	}
}

func TestAmountRoundTripsThroughText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := schema.Amount(rapid.Int64Range(-999_999_999_999_999_999, 999_999_999_999_999_999).Draw(t, "amount"))
		text := a.String()
		if back, err := schema.ParseAmount(text); err != nil || back != a {
			t.Fatalf("%d is written %s and comes back as %d, %v", a, text, back, err)
		}
		exact, ok := new(big.Rat).SetString(text)
		if !ok || exact.Cmp(big.NewRat(int64(a), 10_000)) != 0 {
			t.Fatalf("%d is written %s", a, text)
		}
		if text[len(text)-1] == '0' && big.NewRat(int64(a), 10_000).IsInt() == false {
			t.Fatalf("%s is not the shortest", text)
		}
	})
}

func TestAmountRefusesAllButPlainDecimals(t *testing.T) {
	for _, text := range []string{
		"", "-", ".", "1.", ".1", "+1", " 1", "1 ", "01", "-01", "00", "1.00000", "1e2", "1E2", "0x1", "1,5", "1_000", "--1",
		"100000000000000", "-100000000000000.0", "NaN", "Inf", "１",
	} {
		if got, err := schema.ParseAmount(text); err == nil {
			t.Errorf("%q is taken as %s", text, got)
		}
	}
}
