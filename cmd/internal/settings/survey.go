package settings

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Survey checks every value that is given to a service, on its command line, in its settings file and in its environment, and returns
// everything that is wrong. The command line begins with the name of the service; what is left of it can be parsed. The same is true
// of the environment: variables that cannot be used are removed.
func (p *Parser) Survey(args []string) (usable []string, faults []error) {
	command := childOf(p.Model.Node, args[0])
	s := &survey{parser: p, flags: make(map[string]*kong.Flag)}
	for _, flag := range slices.Concat(p.Model.Flags, command.Flags) {
		s.flags[flag.Name] = flag
	}
	usable = append(usable, args[0])
	for rest := args[1:]; len(rest) > 0; {
		given := s.argument(rest)
		if given.usable {
			usable = append(usable, rest[:given.length]...)
		}
		rest = rest[given.length:]
	}
	s.environment(command)
	return usable, s.faults
}

// survey collects what is wrong with the values of a service.
type survey struct {
	parser *Parser
	flags  map[string]*kong.Flag
	faults []error
}

func (s *survey) fault(format string, args ...any) {
	s.faults = append(s.faults, fmt.Errorf(format, args...))
}

// given is a flag on a command line: how many arguments it has, and whether it can be parsed.
type given struct {
	length int
	usable bool
}

// argument checks the first argument of a command line, with its value.
func (s *survey) argument(args []string) given {
	name, long := strings.CutPrefix(args[0], "--")
	name, value, attached := strings.Cut(name, "=")
	if !long || name == "" {
		s.fault("an argument without a flag: values follow the flag that they belong to, as in --listen 127.0.0.1:8080")
		return given{length: 1}
	}
	flag := s.flags[name]
	if positive, negated := strings.CutPrefix(name, "no-"); flag == nil && negated && s.flags[positive] != nil && s.flags[positive].IsBool() {
		return given{1, true}
	}
	if flag == nil {
		s.fault("--%s: unknown flag", name)
		length := 1
		if !attached && len(args) > 1 && !strings.HasPrefix(args[1], "--") {
			length = 2
		}
		return given{length: length}
	}
	length := 1
	switch {
	case attached:
	case flag.IsBool():
		value = "true"
	case len(args) < 2:
		s.fault("--%s needs a value", name)
		return given{length: 1}
	default:
		value, length = args[1], 2
	}
	if key := FileKey(flag); key != "" {
		s.fault("--%s is no longer a flag: set %s in the settings file (--config)", name, key)
		return given{length: length}
	}
	if name == "config" {
		return given{length, s.file(value)}
	}
	return given{length, s.value("--"+name, flag, value)}
}

// file checks a settings file.
func (s *survey) file(path string) bool {
	faults, err := s.parser.Check(path)
	if err != nil {
		faults = []error{fmt.Errorf("--config: %w", err)}
	}
	s.faults = append(s.faults, faults...)
	return len(faults) == 0
}

// value checks that a value can be read.
func (s *survey) value(source string, flag *kong.Flag, text string) bool {
	err := readable(flag, text)
	if err != nil {
		s.fault("%s: %s", source, strings.TrimPrefix(err.Error(), flag.ShortSummary()+": "))
	}
	return err == nil
}

// environment checks the variables that begin as Parley's.
func (s *survey) environment(command *kong.Node) {
	known := make(map[string]bool) // of any command
	for _, leaf := range s.parser.Model.Leaves(false) {
		for _, flag := range leaf.Flags {
			for _, name := range flag.Envs {
				known[name] = true
			}
		}
	}
	own := make(map[string]*kong.Flag)
	for _, flag := range s.flags {
		for _, name := range flag.Envs {
			own[name] = flag
		}
		if FileKey(flag) != "" || flag.Name == "log-format" || flag.Name == "log-level" {
			own[Variable(flag)] = flag
		}
	}
	for _, entry := range slices.Sorted(slices.Values(os.Environ())) {
		name, text, _ := strings.Cut(entry, "=")
		flag := own[name]
		switch {
		case flag == nil && (known[name] || !strings.HasPrefix(name, environmentPrefix)):
			continue
		case flag == nil:
			s.fault("%s: unknown variable: `parley config print %s` lists the settings, and a variable is PARLEY_ and the name of its flag", name, command.Name)
		case FileKey(flag) != "":
			s.fault("%s is no longer read: set %s in the settings file (--config)", name, FileKey(flag))
		case s.value(name, flag, text):
			continue
		}
		if err := os.Unsetenv(name); err != nil {
			s.faults = append(s.faults, errors.New(name+" cannot be removed"))
		}
	}
}
