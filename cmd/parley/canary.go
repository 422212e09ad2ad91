package main

import (
	"github.com/parley-analytics/parley/cmd/internal/canary"
	"github.com/parley-analytics/parley/query/store"
)

// sendCanaries measures how soon accepted events are visible in the tables, unless that is turned off.
func (f *queryFlags) sendCanaries(n *node, tables *store.Store) {
	if f.Canary <= 0 {
		return
	}
	canaries := &canary.Canaries{Log: n.broker.Events(), Tables: tables, Every: f.Canary, Logger: n.log}
	n.registry.MustRegister(canaries)
	n.Background("canaries", canaries.Run)
}
