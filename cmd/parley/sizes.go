package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-analytics/parley/projector/tables"
)

// sizesEvery is the interval between looks at the sizes of the tables.
const sizesEvery = 30 * time.Second

// sizes are the metrics of the tables of the live version.
type sizes struct {
	tables                         *tables.Tables
	parts, overlapping, rows, size *prometheus.GaugeVec
}

// watchSizes shows what the tables take, from now on.
func watchSizes(n *node, t *tables.Tables) {
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "parley", Subsystem: "table", Name: name, Help: help}, []string{"table"})
	}
	s := &sizes{
		tables:      t,
		parts:       gauge("parts", "Active ClickHouse parts of a table of the live version. ClickHouse delays inserts when a partition has 1,000."),
		overlapping: gauge("overlapping_parts", "Active parts of a table of the live version that overlap another one, so that queries have to merge them. Only of tables that are read by ranges."),
		rows:        gauge("rows", "Rows of a table of the live version, those included that newer ones replace."),
		size:        gauge("size_bytes", "Compressed size of a table of the live version."),
	}
	n.registry.MustRegister(s.parts, s.overlapping, s.rows, s.size)
	n.Background("sizes of the tables", func(ctx context.Context) error {
		ticks := time.NewTicker(sizesEvery)
		defer ticks.Stop()
		for {
			if err := s.look(ctx); err != nil && ctx.Err() == nil {
				n.log.Warn("cannot read the sizes of the tables", "error", err)
			}
			select {
			case <-ctx.Done():
				return nil
			case <-ticks.C:
			}
		}
	})
}

// look reads the sizes once. Tables that are no longer there have no value.
func (s *sizes) look(ctx context.Context) error {
	live, err := s.tables.Live(ctx)
	if err != nil {
		return err
	}
	found, err := s.tables.Sizes(ctx, live)
	if err != nil {
		return err
	}
	parts, err := s.tables.Parts(ctx, live)
	if err != nil {
		return err
	}
	for _, of := range []*prometheus.GaugeVec{s.parts, s.overlapping, s.rows, s.size} {
		of.Reset()
	}
	for _, t := range found {
		s.parts.WithLabelValues(t.Table).Set(float64(t.Parts))
		s.rows.WithLabelValues(t.Table).Set(float64(t.Rows))
		s.size.WithLabelValues(t.Table).Set(float64(t.Bytes))
	}
	for _, p := range parts {
		s.overlapping.WithLabelValues(p.Table).Set(float64(p.Overlapping))
	}
	return nil
}
