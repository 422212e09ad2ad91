package foldtest_test

import (
	"reflect"
	"testing"

	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/schema"
)

func TestEventsDecodeIntoThemselves(t *testing.T) {
	seen := map[schema.Type]int{}
	for seed := range uint64(50) {
		dice := foldtest.Seeded(seed)
		events := foldtest.Stream(dice, 10)
		events = append(events, foldtest.Profile(dice, 7, schema.ProfileCustomer, "v1", 5)...)
		events = append(events, foldtest.Profile(dice, 7, schema.ProfileSeller, "660119", 5)...)
		for _, e := range events {
			got, err := schema.Decode(schema.Encode(&e), e.Time.Time())
			if err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, schema.Encode(&e))
			}
			if !reflect.DeepEqual(got, e) {
				t.Fatalf("seed %d: %s\ndecodes to\n%+v %+v\nwant\n%+v %+v", seed, schema.Encode(&e), got, got.Data, e, e.Data)
			}
			seen[e.Type]++
		}
	}
	for _, typ := range schema.Types() {
		if seen[typ] == 0 {
			t.Errorf("no %s among the events", typ)
		}
	}
}

func TestASeedProducesTheSameEvents(t *testing.T) {
	a, b := foldtest.Stream(foldtest.Seeded(7), 20), foldtest.Stream(foldtest.Seeded(7), 20)
	if !reflect.DeepEqual(a, b) {
		t.Fatal("one seed, two streams")
	}
}
