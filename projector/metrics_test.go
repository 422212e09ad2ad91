package projector_test

import (
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/projector/porttest"
	"github.com/parley-analytics/parley/schema"
)

func TestMetricsAddUp(t *testing.T) {
	bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
		events := foldtest.Realistic(foldtest.Seeded(1), foldtest.Conversation(1, 1), 0)
		log.Append(taken, payloads(events)...)
		log.Append(taken, payloads(events[:3])...)
		last := log.Append(taken, []byte("no event"))
		registry := prometheus.NewRegistry()
		start(t, projector.Config{Log: log, Sink: tables, Archive: tables, Registerer: registry})
		await(t, tables, projector.LogEvents, last)
		synctest.Wait()

		got := values(t, registry)
		for name, want := range map[string]float64{
			"parley_projector_entries_total":      float64(last),
			"parley_projector_events_total":       float64(len(events)),
			"parley_projector_duplicates_total":   3,
			"parley_projector_quarantined_total":  1,
			"parley_projector_position":           float64(last),
			"parley_projector_failures_total":     0,
			"parley_projector_cache_misses_total": 1,
			"parley_projector_batch_seconds":      5,
			"parley_projector_batch_events":       1,
			"parley_projector_lag_seconds":        0,
			"parley_projector_log_end":            float64(last),
		} {
			if got[name] != want {
				t.Errorf("%s is %v, want %v", name, got[name], want)
			}
		}
	})
}

// values are the metrics by name, each the sum over its labels.
func values(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			got[f.GetName()] += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return got
}

func TestACanaryMovesThePositionAndIsInNoTable(t *testing.T) {
	bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
		events := foldtest.Realistic(foldtest.Seeded(1), foldtest.Conversation(1, 1), 0)
		log.Append(taken, payloads(events)...)
		last := log.Append(taken, schema.Canary("1", taken), schema.Canary("2", taken))
		registry := prometheus.NewRegistry()
		start(t, projector.Config{Log: log, Sink: tables, Archive: tables, Registerer: registry})
		await(t, tables, projector.LogEvents, last)
		next := log.Append(taken, schema.Canary("3", taken))
		await(t, tables, projector.LogEvents, next)
		synctest.Wait()
		got := values(t, registry)
		for name, want := range map[string]int{"events_total": len(events), "entries_total": len(events), "duplicates_total": 0, "quarantined_total": 0, "position": int(next)} {
			if got["parley_projector_"+name] != float64(want) {
				t.Errorf("%s is %v, want %d", name, got["parley_projector_"+name], want)
			}
		}
	})
}

func TestProjectorsOneAfterTheOtherShareTheirMetrics(t *testing.T) {
	tables := porttest.NewTables()
	config := projector.Config{Log: porttest.NewLog(), Sink: tables, Archive: tables, Registerer: prometheus.NewRegistry()}
	for range 2 {
		if _, err := projector.New(config); err != nil {
			t.Fatal(err)
		}
	}
}
