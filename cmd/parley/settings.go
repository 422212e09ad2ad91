package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// settings are the contents of a settings file: flags by name, either at the
// top, for every command that has the flag, or below a command's name, for that
// one. The more particular one wins.
//
//	data-dir: /var/lib/parley
//	serve:
//	  listen: 0.0.0.0:8080
type settings map[string]any

// settingsFile reads YAML, which JSON is a part of.
func settingsFile(r io.Reader) (kong.Resolver, error) {
	content, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	s := settings{}
	if err := yaml.Unmarshal(content, &s); err != nil {
		return nil, fmt.Errorf("settings file: %w", err)
	}
	return s, nil
}

// Validate refuses a key that is no flag: a misspelt setting must not be lost.
func (s settings) Validate(parser *kong.Application) error {
	return s.check(parser.Node, "")
}

func (s settings) check(node *kong.Node, path string) error {
	known := make(map[string]bool)
	collectFlags(node, known)
	for key, value := range s {
		if child := childOf(node, key); child != nil {
			below, ok := value.(settings)
			if !ok {
				below, ok = asSettings(value)
			}
			if !ok {
				return fmt.Errorf("settings file: %s%s must hold flags of the command", path, key)
			}
			if err := below.check(child, path+key+"."); err != nil {
				return err
			}
			continue
		}
		if !known[key] || key == "config" || key == "help" {
			return fmt.Errorf("settings file: %s%s is not a flag that a file may set", path, key)
		}
	}
	return nil
}

// Resolve gives the value of a flag that neither the command line nor the
// environment sets.
func (s settings) Resolve(context *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
	if commandLineOnly(flag) || (environment{}).sets(context, flag) {
		return nil, nil
	}
	found, ok := s[flag.Name]
	if parent.Command != nil {
		below := s
		for _, name := range strings.Fields(parent.Command.Path()) {
			below, _ = asSettings(below[name])
		}
		if particular, set := below[flag.Name]; set {
			found, ok = particular, true
		}
	}
	if !ok || found == nil {
		return nil, nil
	}
	switch v := found.(type) {
	case string, bool, int, int64, uint64, float64:
		return fmt.Sprint(v), nil
	case []any:
		parts := make([]string, len(v))
		for i, part := range v {
			parts[i] = fmt.Sprint(part)
		}
		return strings.Join(parts, ","), nil
	default:
		shown, _ := json.Marshal(flag.Name)
		return nil, fmt.Errorf("settings file: %s must be a value or a list of values", shown)
	}
}

func asSettings(value any) (settings, bool) {
	switch v := value.(type) {
	case settings:
		return v, true
	case map[string]any:
		return v, true
	}
	return nil, false
}

func childOf(node *kong.Node, name string) *kong.Node {
	for _, child := range node.Children {
		if child.Name == name {
			return child
		}
	}
	return nil
}

// collectFlags names the flags of a node, of all above it, and of all below it.
func collectFlags(node *kong.Node, known map[string]bool) {
	for above := node; above != nil; above = above.Parent {
		collectOf(above, known)
	}
	collectBelow(node, known)
}

func collectBelow(node *kong.Node, known map[string]bool) {
	for _, child := range node.Children {
		collectOf(child, known)
		collectBelow(child, known)
	}
}

func collectOf(node *kong.Node, known map[string]bool) {
	for _, flag := range node.Flags {
		if !commandLineOnly(flag) {
			known[flag.Name] = true
		}
	}
}
