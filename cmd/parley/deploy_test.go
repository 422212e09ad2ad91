package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// deployed reads a file of deploy.
func deployed(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("../../deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestStandInImageRunsAsTheImageDoes(t *testing.T) {
	_, want, found := strings.Cut(deployed(t, "Dockerfile"), "# From here on as in Dockerfile.standin.\n")
	_, got, standin := strings.Cut(deployed(t, "Dockerfile.standin"), "# From here on as in Dockerfile.\n")
	if !found || !standin || got != want {
		t.Errorf("the stand-in runs otherwise:\n%s\nthan the image:\n%s", got, want)
	}
	for _, line := range []string{"USER 65532:65532\n", "HEALTHCHECK ", "STOPSIGNAL SIGTERM\n"} {
		if !strings.Contains(want, line) {
			t.Errorf("the image has no %s", line)
		}
	}
}

func TestComposeIsConfinedAndPublishesOnLoopbackOnly(t *testing.T) {
	var file struct {
		Services map[string]struct {
			Image       string
			Profiles    []string
			Command     []string
			Ports       []string
			ReadOnly    bool     `yaml:"read_only"`
			CapDrop     []string `yaml:"cap_drop"`
			SecurityOpt []string `yaml:"security_opt"`
			Environment map[string]string
		}
	}
	if err := yaml.Unmarshal([]byte(deployed(t, "compose.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Services) != 6 {
		t.Errorf("%d services", len(file.Services))
	}
	flags := make(map[string]bool)
	for _, command := range model(t).Leaves(false) {
		for _, flag := range command.Flags {
			for _, name := range flag.Envs {
				flags[name] = true
			}
		}
	}
	for name, service := range file.Services {
		if !service.ReadOnly || strings.Join(service.CapDrop, "") != "ALL" || strings.Join(service.SecurityOpt, "") != "no-new-privileges:true" {
			t.Errorf("%s is not confined: %+v", name, service)
		}
		for _, port := range service.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s publishes %s", name, port)
			}
		}
		for variable := range service.Environment {
			if !flags[variable] {
				t.Errorf("%s sets %s, which nothing reads", name, variable)
			}
		}
		parser, err := newParser(new(Config))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(service.Command); err != nil {
			t.Errorf("%s: parley %v: %v", name, service.Command, err)
		}
	}
}

func TestScriptsOfDeployAreReadable(t *testing.T) {
	scripts, err := filepath.Glob("../../deploy/*.sh")
	if err != nil || len(scripts) < 4 {
		t.Fatalf("%v, %v", scripts, err)
	}
	for _, script := range scripts {
		if out, err := exec.CommandContext(t.Context(), "bash", "-n", script).CombinedOutput(); err != nil {
			t.Errorf("%s: %s", script, out)
		}
	}
}
