package main

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kong"

	"github.com/parley-analytics/parley/cmd/internal/settings"
)

type configCommand struct {
	Print configPrint `cmd:"" passthrough:"" help:"Print every setting of a service with its source: flag, environment, file or default. Credentials are not printed."`
	Check configCheck `cmd:"" help:"Check a settings file for unknown keys, wrong values and contradictions."`
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

type configCheck struct {
	File string `arg:"" optional:"" help:"Settings file. Defaults to that of --config." type:"path"`
}

// Run prints every fault of the file, and fails if there is one.
func (c *configCheck) Run(a *app) error {
	path := c.File
	if path == "" {
		path = a.settingsFile
	}
	if path == "" {
		return errors.New("no settings file: give one, as in `parley config check parley.yaml`")
	}
	parser, err := newParser(new(Config))
	if err != nil {
		return err
	}
	faults, err := parser.Check(path)
	if err != nil {
		return err
	}
	if len(faults) == 0 {
		if faults, err = contradictions(path); err != nil {
			return err
		}
	}
	if len(faults) > 0 {
		return printFaults(a, faults)
	}
	fmt.Fprintf(a.stdout, "%s: ok\n", printable(path))
	return nil
}

func printFaults(a *app, faults []error) error {
	for _, fault := range faults {
		fmt.Fprintln(a.stderr, printable(fault.Error()))
	}
	return errReported
}

// contradictions reads the settings of each service as a start does, without starting it, and returns the conflicts.
func contradictions(path string) (faults []error, err error) {
	seen := make(map[string]bool)
	add := func(err error) {
		if err != nil && !seen[err.Error()] {
			seen[err.Error()] = true
			faults = append(faults, fmt.Errorf("%s: %w", path, err))
		}
	}
	for _, name := range settings.Services() {
		config := new(Config)
		parser, err := newParser(config)
		if err != nil {
			return nil, err
		}
		service, err := parser.Parse([]string{"--config", path, name})
		if err != nil {
			add(errors.New(strings.TrimPrefix(err.Error(), name+": ")))
			continue
		}
		node := map[string]*nodeFlags{
			"serve": &config.Serve.nodeFlags, "ingest": &config.Ingest.nodeFlags,
			"project": &config.Project.nodeFlags, "query": &config.Query.nodeFlags,
		}[name]
		add(node.Check())
		if _, err := node.accessFlags.config(); err != nil {
			add(err)
		}
		if name == "serve" {
			add(config.Serve.demoSettings.flags().check(config.Serve.DemoRate, time.Now()))
			add(addressesDiffer(&config.Serve))
			for _, err := range withoutEffect(parser.Values(service)) {
				add(err)
			}
		}
	}
	return faults, nil
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
		"nats-url":       {"nats-listen", "sync"},
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
