package settings

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// file is a parsed settings file.
type file struct {
	name string
	root *yaml.Node // a mapping
}

// Fault is something wrong with a settings file.
type Fault struct {
	File string
	Line int
	Text string
}

// Error implements error.
func (f *Fault) Error() string { return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Text) }

// FileError is everything that is wrong with a settings file.
type FileError struct {
	Name   string // of the file
	Faults []error
}

// Error names the first fault.
func (e *FileError) Error() string { return "settings file " + e.Faults[0].Error() }

// readFile reads and checks a file for the commands of an application.
func readFile(name string, r io.Reader, application *kong.Node) (*file, []error) {
	var document yaml.Node
	if err := yaml.NewDecoder(r).Decode(&document); err != nil && !errors.Is(err, io.EOF) {
		return nil, []error{fmt.Errorf("%s: %w", name, err)}
	}
	f := &file{name: name, root: &yaml.Node{Kind: yaml.MappingNode}}
	if len(document.Content) > 0 && document.Content[0].Tag != "!!null" {
		f.root = document.Content[0]
	}
	if f.root.Kind != yaml.MappingNode {
		return nil, []error{&Fault{name, f.root.Line, "must be keys with values, e.g. listen: 127.0.0.1:8080"}}
	}
	c := checker{file: name}
	c.mapping(f.root, "", []place{{node: application}})
	slices.SortStableFunc(c.faults, func(a, b *Fault) int { return cmp.Compare(a.Line, b.Line) })
	faults := make([]error, len(c.faults))
	for i, fault := range c.faults {
		faults[i] = fault
	}
	return f, faults
}

// place is the place of a key: below a command, and in a section of the
// settings that the command and those below it have.
type place struct {
	node    *kong.Node
	section string // ends with a dot unless empty
}

// checker collects what is wrong with a file.
type checker struct {
	file   string
	faults []*Fault
}

func (c *checker) fault(at *yaml.Node, format string, args ...any) {
	c.faults = append(c.faults, &Fault{c.file, at.Line, fmt.Sprintf(format, args...)})
}

// mapping checks the keys of a mapping, which may be several places: query
// is a command, and a section of the settings that serve has too.
func (c *checker) mapping(mapping *yaml.Node, path string, places []place) {
	seen := make(map[string]int)
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], resolved(mapping.Content[i+1])
		full := path + key.Value
		if line, twice := seen[key.Value]; twice {
			c.fault(key, "%s is set twice, on line %d too", full, line)
			continue
		}
		seen[key.Value] = key.Line
		flags, below := find(key.Value, places)
		switch {
		case len(flags) == 0 && len(below) == 0:
			c.fault(key, "%s", unknown(full, key.Value, places))
		case value.Tag == "!!null":
		case len(below) > 0 && value.Kind == yaml.MappingNode:
			c.mapping(value, full+".", below)
		case len(flags) == 0:
			c.fault(value, "%s", notSection(full, key.Value, places))
		default:
			c.value(value, full, flags)
		}
	}
}

// find returns the settings and the places that a key names in any of the places.
func find(key string, places []place) (flags []*kong.Flag, below []place) {
	for _, p := range places {
		section := p.section + key
		inside := false
		for _, flag := range settingsOf(p.node) {
			file := FileKey(flag)
			switch {
			case file == section, file == "" && p.section == "" && flag.Name == key && mayHold(flag):
				flags = append(flags, flag)
			case strings.HasPrefix(file, section+"."):
				inside = true
			}
		}
		if inside {
			below = append(below, place{p.node, section + "."})
		}
		if child := childOf(p.node, key); child != nil && p.section == "" {
			below = append(below, place{node: child})
		}
	}
	return flags, below
}

// unknown describes a key that no place has.
func unknown(full, key string, places []place) string {
	for _, p := range places {
		for _, flag := range settingsOf(p.node) {
			switch file := FileKey(flag); {
			case flag.Name != key:
			case file != "":
				return fmt.Sprintf("%s is %s now", full, file)
			default:
				return full + " is not a flag that a file may set: give it on the command line"
			}
		}
	}
	return fmt.Sprintf("unknown key %s: `parley config print` lists the keys", full)
}

// notSection describes a value where settings are expected.
func notSection(full, key string, places []place) string {
	for _, p := range places {
		for _, flag := range settingsOf(p.node) {
			if flag.Name == key && CommandLineOnly(flag) {
				return unknown(full, key, places)
			}
		}
	}
	return full + " must hold settings, one a line below it"
}

// value checks that a value can be read as each of the settings.
func (c *checker) value(value *yaml.Node, path string, flags []*kong.Flag) {
	text, err := textOf(value)
	if err != nil {
		c.fault(value, "%s: %v", path, err)
		return
	}
	for _, flag := range flags {
		switch kind := flag.Target.Kind(); {
		case value.Kind == yaml.MappingNode && kind != reflect.Map:
			c.fault(value, "%s: must be a value, not a mapping", path)
			return
		case value.Kind == yaml.SequenceNode && kind != reflect.Slice:
			c.fault(value, "%s: must be a value, not a list", path)
			return
		}
		if err := readable(flag, text); err != nil {
			reason := strings.TrimPrefix(err.Error(), flag.ShortSummary()+": ")
			c.fault(value, "%s: %s", path, reason)
			return
		}
	}
}

// readable tries to parse a value as kong will.
func readable(flag *kong.Flag, text string) error {
	target := reflect.New(flag.Target.Type()).Elem()
	if target.Kind() == reflect.Map {
		target.Set(reflect.MakeMap(target.Type()))
	}
	was := flag.Set // a required flag has no value yet
	err := flag.Parse(kong.ScanAsType(kong.FlagValueToken, text), target)
	flag.Set = was
	if err == nil && flag.Enum != "" && !slices.Contains(flag.EnumSlice(), text) {
		err = fmt.Errorf("must be one of %s", strings.Join(flag.EnumSlice(), ", "))
	}
	return err
}

// textOf returns a value as the text of a flag.
func textOf(value *yaml.Node) (string, error) {
	switch value.Kind {
	case yaml.ScalarNode:
		return value.Value, nil
	case yaml.SequenceNode:
		parts := make([]string, len(value.Content))
		for i, part := range value.Content {
			if part = resolved(part); part.Kind != yaml.ScalarNode {
				return "", errors.New("must be a list of plain values")
			}
			parts[i] = part.Value
		}
		return strings.Join(parts, ","), nil
	case yaml.MappingNode:
		parts := make([]string, 0, len(value.Content)/2)
		for i := 0; i+1 < len(value.Content); i += 2 {
			part := resolved(value.Content[i+1])
			if part.Kind != yaml.ScalarNode {
				return "", errors.New("must have plain values")
			}
			parts = append(parts, value.Content[i].Value+"="+part.Value)
		}
		return strings.Join(parts, ";"), nil
	}
	return "", errors.New("must be a value or a list of values")
}

// Validate implements kong.Resolver; the file was checked when it was read.
func (f *file) Validate(*kong.Application) error { return nil }

// Resolve returns the value of a flag that neither the command line nor the
// environment sets.
func (f *file) Resolve(context *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
	if _, set := variableOf(context.Selected(), flag); set {
		return nil, nil
	}
	found := f.find(parent.Command, flag)
	if found == nil {
		return nil, nil
	}
	return textOf(found)
}

// find returns the value of a flag: the one below the command, or else the one
// at the top.
func (f *file) find(command *kong.Node, flag *kong.Flag) *yaml.Node {
	if f == nil || !mayHold(flag) {
		return nil
	}
	key := []string{flag.Name}
	if path := FileKey(flag); path != "" {
		key = strings.Split(path, ".")
	}
	if command != nil {
		if found := at(f.root, append(strings.Fields(command.Path()), key...)); found != nil {
			return found
		}
	}
	return at(f.root, key)
}

// at returns the value at a path of keys.
func at(node *yaml.Node, path []string) *yaml.Node {
	for _, name := range path {
		var next *yaml.Node
		if node.Kind == yaml.MappingNode {
			for i := 0; i+1 < len(node.Content); i += 2 {
				if node.Content[i].Value == name {
					next = resolved(node.Content[i+1])
				}
			}
		}
		if next == nil || next.Tag == "!!null" {
			return nil
		}
		node = next
	}
	return node
}

// resolved follows an alias to its value.
func resolved(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

// mayHold reports whether a file may set a flag.
func mayHold(flag *kong.Flag) bool {
	return !CommandLineOnly(flag) && flag.Name != "config" && flag.Name != "help"
}

func childOf(node *kong.Node, name string) *kong.Node {
	for _, child := range node.Children {
		if child.Name == name {
			return child
		}
	}
	return nil
}

// settingsOf returns the flags of a node, of all above it, and of all below it.
func settingsOf(node *kong.Node) []*kong.Flag {
	var flags []*kong.Flag
	for above := node.Parent; above != nil; above = above.Parent {
		flags = append(flags, above.Flags...)
	}
	var below func(*kong.Node)
	below = func(n *kong.Node) {
		flags = append(flags, n.Flags...)
		for _, child := range n.Children {
			below(child)
		}
	}
	below(node)
	return flags
}
