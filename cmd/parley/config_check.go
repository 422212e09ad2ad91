package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/cmd/internal/settings"
)

type configCheck struct {
	Of []string `arg:"" optional:"" passthrough:"partial" name:"what" help:"A settings file (the default is that of --config); or serve, ingest, project or query, followed by its flags."`
}

// Help says what is checked.
func (configCheck) Help() string {
	return "Of a settings file: unknown keys, wrong values and contradictions. Of a service: also its flags and variables, unknown PARLEY_ variables, its files and their modes, certificates, and whether its addresses can be listened on or reached. All faults are printed, without values of secrets; the exit code is 1 if there is one."
}

// Run prints every fault, and fails if there is one.
func (c *configCheck) Run(a *app) error {
	if len(c.Of) > 0 && slices.Contains(settings.Services(), c.Of[0]) {
		return checkService(a, c.Of)
	}
	path := a.settingsFile
	if len(c.Of) > 0 {
		path = kong.ExpandPath(c.Of[0])
	}
	if path == "" {
		return errors.New("no settings file: give one, as in `parley config check parley.yaml`, or a service, as in `parley config check serve`")
	}
	if len(c.Of) > 1 {
		return errors.New("give one settings file, or a service with its flags, as in `parley config check serve --listen 0.0.0.0:8080`")
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

// checkFaulty prints the faults of a settings file with which a command line could not be parsed, and those of the service, if it names one.
func checkFaulty(a *app, file *settings.FileError, args []string) error {
	after := args[slices.Index(args, "check")+1:]
	if len(after) == 0 || !slices.Contains(settings.Services(), after[0]) {
		return printFaults(a, file.Faults)
	}
	a.settingsFile = file.Name
	return checkService(a, after)
}

// checkTimeout bounds all checks of a service together.
const checkTimeout = 10 * time.Second

// checkService prints everything that is wrong with what a service is given.
func checkService(a *app, args []string) error {
	if a.settingsFile != "" {
		args = slices.Insert(slices.Clone(args), 1, "--config", a.settingsFile)
	}
	config := new(Config)
	parser, err := newParser(config)
	if err != nil {
		return err
	}
	usable, faults := parser.Survey(args)
	service, err := parser.Parse(usable)
	var parse *kong.ParseError
	switch {
	case errors.As(err, &parse):
		faults = append(faults, errors.New(strings.TrimPrefix(err.Error(), args[0]+": ")))
		service = parse.Context
	case err != nil:
		return err
	}
	faults = append(faults, conflicts(config, args[0], parser.Values(service))...)
	i := &inspection{faults: faults}
	ctx, cancel := context.WithTimeout(a.ctx, checkTimeout)
	defer cancel()
	i.service(ctx, config, args[0])
	for _, warning := range i.warnings {
		fmt.Fprintf(a.stderr, "warning: %s\n", printable(warning))
	}
	if len(i.faults) > 0 {
		return printFaults(a, i.faults)
	}
	fmt.Fprintf(a.stdout, "%s: ok\n", args[0])
	return nil
}

// contradictions reads the settings of each service as a start does, without starting it, and returns the conflicts.
func contradictions(path string) (faults []error, err error) {
	seen := make(map[string]bool)
	add := func(err error) {
		if !seen[err.Error()] {
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
		for _, err := range conflicts(config, name, parser.Values(service)) {
			add(err)
		}
	}
	return faults, nil
}

// conflicts returns the settings of a service that contradict each other.
func conflicts(config *Config, name string, values []settings.Value) []error {
	node := config.node(name)
	_, access := node.accessFlags.config()
	faults := append(node.Faults(), access)
	if name == "serve" {
		faults = append(faults, config.Serve.demoSettings.flags().check(config.Serve.DemoRate, time.Now()), addressesDiffer(&config.Serve))
		faults = append(faults, withoutEffect(values)...)
	}
	return slices.DeleteFunc(faults, func(err error) bool { return err == nil })
}

// node returns the settings that all services have.
func (c *Config) node(name string) *nodeFlags {
	return map[string]*nodeFlags{
		"serve": &c.Serve.nodeFlags, "ingest": &c.Ingest.nodeFlags, "project": &c.Project.nodeFlags, "query": &c.Query.nodeFlags,
	}[name]
}

// own returns the settings of the embedded engines, for the service that has them.
func (c *Config) own(name string) engines.Embedded {
	if name == "serve" {
		return c.Serve.Embedded
	}
	return engines.Embedded{}
}
