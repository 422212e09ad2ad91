package settings

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// Parser reads command lines, with the variables and the settings file that
// belong to them: PARLEY_NATS_URL sets --nats-url. A variable has one meaning, and no other
// variable is read: what a command does, and changes without asking, must be on its command line.
type Parser struct {
	*kong.Kong
	file *file // nil without --config
}

// NewParser makes a parser of a grammar, with a flag --config of type
// [kong.ConfigFlag].
func NewParser(grammar any, options ...kong.Option) (*Parser, error) {
	p := &Parser{}
	options = append(options,
		kong.Configuration(p.load),
		kong.Resolvers(p),
		kong.PostBuild(func(k *kong.Kong) error {
			for _, command := range k.Model.Leaves(false) {
				nameVariables(command)
				for _, flag := range command.Flags {
					flag.Hidden = flag.Hidden || FileKey(flag) != ""
				}
			}
			return nil
		}),
	)
	var err error
	p.Kong, err = kong.New(grammar, options...)
	return p, err
}

// Parse reads a command line. Setting a file-only setting elsewhere is an error.
func (p *Parser) Parse(args []string) (*kong.Context, error) {
	keys := make(map[string]string)
	for _, command := range p.Model.Leaves(false) {
		for _, flag := range command.Flags {
			if key := FileKey(flag); key != "" {
				keys[flag.Name] = key
			}
		}
	}
	for i, argument := range args {
		if argument == "--" || argument == "check" && i > 0 && args[i-1] == "config" { // the latter reports it with everything else
			break
		}
		name, long := strings.CutPrefix(argument, "--")
		name, _, _ = strings.Cut(name, "=")
		if key := keys[name]; long && key != "" {
			return nil, fmt.Errorf("--%s is no longer a flag: set %s in the settings file (--config)", name, key)
		}
	}
	p.file = nil
	context, err := p.Kong.Parse(args)
	if err != nil {
		return nil, err
	}
	if command := context.Selected(); command != nil && service(command) {
		for _, flag := range command.Flags {
			if key := FileKey(flag); key != "" {
				if _, set := os.LookupEnv(Variable(flag)); set {
					return nil, fmt.Errorf("%s is no longer read: set %s in the settings file (--config)", Variable(flag), key)
				}
			}
		}
	}
	return context, nil
}

// load reads a settings file for kong.
func (p *Parser) load(r io.Reader) (kong.Resolver, error) {
	name := "-"
	if f, ok := r.(*os.File); ok {
		name = f.Name()
	}
	f, faults := readFile(name, r, p.Model.Node)
	if len(faults) > 0 {
		return nil, &FileError{name, faults}
	}
	p.file = f
	return f, nil
}

// Check reads a settings file and returns everything that is wrong with it, each
// with file and line.
func (p *Parser) Check(path string) ([]error, error) {
	r, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	_, faults := readFile(path, r, p.Model.Node)
	return faults, nil
}

// Validate implements kong.Resolver.
func (p *Parser) Validate(*kong.Application) error { return nil }

// Resolve returns the value of a flag that all commands share.
func (p *Parser) Resolve(context *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if _, value, set := shared(context.Selected(), flag); set {
		return value, nil
	}
	return nil, nil
}
