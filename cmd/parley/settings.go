package main

import (
	"fmt"
	"net"
	"slices"
	"text/tabwriter"

	"github.com/alecthomas/kong"

	"github.com/parley-analytics/parley/cmd/internal/settings"
)

type configCommand struct {
	Print configPrint `cmd:"" passthrough:"" help:"Print every setting of a service with its source: flag, environment, file or default. Credentials are not printed."`
	Check configCheck `cmd:"" help:"Check a settings file, or everything that a service is given."`
}

type configPrint struct {
	Service []string `arg:"" optional:"" help:"serve (default), ingest, project or query, followed by its flags."`
}

// Run prints the settings that the service would start with, here and now.
func (c *configPrint) Run(a *app, command *kong.Context) error {
	args := c.Service
	if len(args) > 0 && (args[0] == "--help" || args[0] == "-h") {
		return command.PrintUsage(false)
	}
	if len(args) == 0 || !slices.Contains(settings.Services(), args[0]) {
		args = append([]string{"serve"}, args...)
	}
	if a.settingsFile != "" {
		args = append([]string{"--config", a.settingsFile}, args...)
	}
	parser, err := newParser(new(Config), kong.Writers(a.stdout, a.stderr))
	if err != nil {
		return err
	}
	service, err := parser.Parse(args)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SETTING\tVALUE\tSOURCE")
	for _, v := range parser.Values(service) {
		fmt.Fprintf(table, "%s\t%s\t%s\n", v.Key, orDash(&v.Text), printable(v.Source))
	}
	return table.Flush()
}

func printFaults(a *app, faults []error) error {
	for _, fault := range faults {
		fmt.Fprintln(a.stderr, reason(fault))
	}
	return errReported
}

// addressesDiffer refuses two listeners on the same address.
func addressesDiffer(c *serveCommand) error {
	listens := map[string]string{}
	for _, l := range []struct{ flag, address string }{
		{"listen", c.Listen}, {"debug-listen", c.DebugListen}, {"nats-listen", c.NATSListen}, {"clickhouse-http", c.ClickHouseHTTP},
	} {
		if l.address == "" {
			continue
		}
		_, port, err := net.SplitHostPort(l.address)
		if err != nil {
			return fmt.Errorf("%s: must be HOST:PORT, e.g. 127.0.0.1:8080", l.flag)
		}
		if other, taken := listens[l.address]; taken && port != "0" {
			return fmt.Errorf("%s and %s are the same address %s", other, l.flag, l.address)
		}
		listens[l.address] = l.flag
	}
	return nil
}

// withoutEffect reports settings of an embedded engine for which a server is used instead.
func withoutEffect(values []settings.Value) (faults []error) {
	given := make(map[string]bool)
	for _, v := range values {
		given[v.Key] = v.Source != "default"
	}
	for server, embedded := range map[string][]string{
		"nats-url":       {"nats-listen", "nats-client-ca", "sync"},
		"clickhouse-url": {"clickhouse-http", "clickhouse-memory", "bi-personal-data"},
	} {
		for _, key := range embedded {
			if given[server] && given[key] {
				faults = append(faults, fmt.Errorf("%s has no effect with %s: it belongs to the embedded engine", key, server))
			}
		}
	}
	return faults
}
