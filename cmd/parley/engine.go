package main

import (
	"context"
	"fmt"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/cmd/internal/process"
)

// engineCommand runs one of the embedded engines without the pipeline, for installations in which
// the engines are processes or containers of their own.
type engineCommand struct {
	NATS       engineNATS       `cmd:"" name:"nats" help:"Run the NATS server with JetStream."`
	ClickHouse engineClickHouse `cmd:"" name:"clickhouse" help:"Run ClickHouse behind Parley's HTTP proxy."`
}

type engineNATS struct{ engines.NATSAlone }

// Help says how the other processes connect.
func (engineNATS) Help() string {
	return "Other processes connect with --nats-url, --nats-user parley and --nats-private-user parley_private. Passwords that no file sets are generated and kept in engine-credentials.json in the data directory. Without --tls-cert the connection is not encrypted: outside loopback, keep it in a private network."
}

// Run serves until the process is asked to stop.
func (c *engineNATS) Run(a *app) error { return serveEngine(a, c.Start) }

type engineClickHouse struct{ engines.ClickHouseAlone }

// Help says how the other processes connect.
func (engineClickHouse) Help() string {
	return "Other processes connect with --clickhouse-url, --clickhouse-user parley_writer and --clickhouse-reader-user parley_reader; dashboards as parley_bi. Passwords that no file sets are generated and kept in engine-credentials.json in the data directory. Without --tls-cert the connection is not encrypted: outside loopback, keep it in a private network."
}

// Run serves until the process is asked to stop.
func (c *engineClickHouse) Run(a *app) error { return serveEngine(a, c.Start) }

// serveEngine starts an engine, prints its address, waits for the end and stops it.
func serveEngine(a *app, start func(context.Context, *process.Process) (string, error)) error {
	p := process.New(a.log)
	address, err := start(a.ctx, p)
	if err == nil {
		_, err = fmt.Fprintf(a.stdout, "ready %s\n", address)
	}
	if err == nil {
		err = p.Wait(a.ctx)
	}
	if a.ctx.Err() != nil {
		err = nil // what the end of ctx interrupted is not a failure
	}
	if stopped := p.Shutdown(); err == nil {
		err = stopped
	}
	return err
}
