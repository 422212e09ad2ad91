package main

import (
	"testing"

	"github.com/parley-analytics/parley/schema"
)

func TestSizesAreReadWithTheirUnits(t *testing.T) {
	for text, want := range map[string]size{"0": 0, "1000": 1000, "500MB": 500e6, "20 GiB": 20 << 30, "1TB": 1e12, "unlimited": unlimited} {
		var got size
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q is %d, want %d (%v)", text, got, want, err)
		}
	}
	for _, text := range []string{"", "-1", "1.5GB", "GB", "9999999TiB", "1GB2"} {
		var got size
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken as %d", text, got)
		}
	}
}

func TestRunsOfSequencesAreShownAsOne(t *testing.T) {
	for want, sequences := range map[string][]schema.Sequence{"-": nil, "4": {4}, "3-5, 9": {3, 4, 5, 9}, "7, 2-3": {7, 2, 3}} {
		if got := spans(sequences); got != want {
			t.Errorf("%v: %q, want %q", sequences, got, want)
		}
	}
}
