package main

import (
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// environmentPrefix begins the name of every variable that sets a flag.
const environmentPrefix = "PARLEY_"

// environment lets variables set the flags of the commands that stay, and of
// every command where it finds its servers and data: PARLEY_NATS_URL for
// --nats-url. A variable has one meaning, and nothing else is read: what a
// command does, and what it changes without asking, is said on its command line.
type environment struct{}

// options make kong read the variables. Flags that all commands share are not a
// command's own, so a resolver reads them where the command that was chosen stays.
func (e environment) options() []kong.Option {
	return []kong.Option{
		kong.PostBuild(func(k *kong.Kong) error {
			for _, command := range k.Model.Leaves(false) {
				for _, flag := range command.Flags {
					e.name(command, flag)
				}
			}
			return nil
		}),
		kong.Resolvers(e),
	}
}

// name gives a flag of a command its variable, or takes away what its tag says.
func (environment) name(command *kong.Node, flag *kong.Flag) {
	names := flag.Envs
	switch {
	case commandLineOnly(flag) || !stays(command) && !locates(flag):
		names = nil
	case len(names) == 0:
		names = []string{variableOf(flag)}
	}
	flag.Envs, flag.Tag.Envs = names, names
}

func variableOf(flag *kong.Flag) string {
	return environmentPrefix + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
}

// stays reports whether a command is a service, configured by its surroundings.
func stays(command *kong.Node) bool {
	switch command.Path() {
	case "serve", "ingest", "project", "query":
		return true
	}
	return false
}

// locates reports whether a flag says where the servers and the data are.
func locates(flag *kong.Flag) bool {
	switch flag.Name {
	case "data-dir", "listen", "nats-listen", "clickhouse-http":
		return true
	}
	return flag.Group != nil && flag.Group.Key == "Servers"
}

// commandLineOnly reports whether a flag says what to do, or confirms it: only
// the person or script that runs the command can say so.
func commandLineOnly(flag *kong.Flag) bool { return flag.Tag.Get("env") == "-" }

// Validate implements kong.Resolver.
func (environment) Validate(*kong.Application) error { return nil }

// Resolve gives the value of a flag that all commands share.
func (e environment) Resolve(context *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if value, set := e.shared(context, flag); set {
		return value, nil
	}
	return nil, nil
}

func (environment) shared(context *kong.Context, flag *kong.Flag) (string, bool) {
	command := context.Selected()
	if command == nil || !stays(command) || flag.Name != "log-format" && flag.Name != "log-level" {
		return "", false
	}
	return os.LookupEnv(variableOf(flag))
}

// sets reports whether a variable sets the flag.
func (e environment) sets(context *kong.Context, flag *kong.Flag) bool {
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return true
		}
	}
	_, set := e.shared(context, flag)
	return set
}
