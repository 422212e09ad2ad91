package settings

import (
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// environmentPrefix begins the name of every variable that sets a flag.
const environmentPrefix = "PARLEY_"

// nameVariables sets the environment variables of a command's flags.
func nameVariables(command *kong.Node) {
	for _, flag := range command.Flags {
		names := flag.Envs
		switch {
		case CommandLineOnly(flag) || FileKey(flag) != "" || !service(command) && !Locates(flag):
			names = nil
		case len(names) == 0:
			names = []string{Variable(flag)}
		}
		flag.Envs, flag.Tag.Envs = names, names
	}
}

// Variable returns the name of the variable of a flag.
func Variable(flag *kong.Flag) string {
	return environmentPrefix + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
}

// Services are the long-running commands. They are configured by their environment.
func Services() []string { return []string{"serve", "ingest", "project", "query"} }

func service(command *kong.Node) bool {
	for _, name := range Services() {
		if command.Path() == name {
			return true
		}
	}
	return false
}

// Locates reports whether a flag locates the servers or the data.
func Locates(flag *kong.Flag) bool {
	switch flag.Name {
	case "data-dir", "listen", "nats-listen", "clickhouse-http":
		return true
	}
	return flag.Group != nil && flag.Group.Key == "Servers"
}

// CommandLineOnly reports whether a flag starts or confirms an action, which only the person or
// script that runs the command may do.
func CommandLineOnly(flag *kong.Flag) bool { return flag.Tag.Get("env") == "-" }

// FileKey returns the key of a setting that only the settings file can set; it is empty for a flag.
func FileKey(flag *kong.Flag) string { return flag.Tag.Get("file") }

// shared reads the variables of flags that all commands share. They belong to no command, so kong
// would read them for every command.
func shared(command *kong.Node, flag *kong.Flag) (name, value string, set bool) {
	if command == nil || !service(command) || flag.Name != "log-format" && flag.Name != "log-level" {
		return "", "", false
	}
	name = Variable(flag)
	value, set = os.LookupEnv(name)
	return name, value, set
}

// variableOf returns the variable that sets a flag.
func variableOf(command *kong.Node, flag *kong.Flag) (name string, set bool) {
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return name, true
		}
	}
	name, _, set = shared(command, flag)
	return name, set
}
