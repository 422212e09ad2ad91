//go:build containers

package soak

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tcexec "github.com/testcontainers/testcontainers-go/exec"
	tcnetwork "github.com/testcontainers/testcontainers-go/network"
)

// The images of a run. The engines' are the official ones where they can be pulled, and otherwise
// Parley's own, which runs each embedded engine alone.
const (
	parleyImageEnv     = "PARLEY_IMAGE"
	natsImageEnv       = "PARLEY_TEST_NATS_IMAGE"
	clickHouseImageEnv = "PARLEY_TEST_CLICKHOUSE_IMAGE"
)

// secrets are the passwords of one run, in files of the containers.
const (
	logPassword    = "log-password-of-the-containers"
	tablesPassword = "tables-password-of-the-containers"
	secretsFolder  = "/secrets/"
)

// fleet is Parley and its engines as containers in a network of their own.
type fleet struct {
	t       *testing.T
	docker  *testcontainers.DockerClient
	network *testcontainers.DockerNetwork
	images  map[string]string
	ports   map[string]string // on the host, by role
	members map[string]*testcontainers.DockerContainer
	in      *instance
	says    string // which images are used
}

// roles are the members of a fleet in the order in which they start, with the port each listens on.
var roles = []struct{ name, port string }{{"nats", "4222"}, {"clickhouse", "8123"}, {"parley", "8080"}}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	t.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true") // its image cannot be pulled everywhere; the cleanup is ours
	docker, err := testcontainers.NewDockerClientWithOpts(t.Context())
	if err != nil {
		t.Fatalf("no Docker engine answers: run this with `make test-containers`: %v", err)
	}
	t.Cleanup(func() { _ = docker.Close() })
	f := &fleet{t: t, docker: docker, images: map[string]string{}, ports: map[string]string{}, members: map[string]*testcontainers.DockerContainer{}}
	version, err := docker.ServerVersion(t.Context(), client.ServerVersionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	f.images["parley"] = os.Getenv(parleyImageEnv)
	if f.images["parley"] == "" {
		f.images["parley"] = "parley:local"
	}
	f.says = fmt.Sprintf("containers: Docker %s; parley %s", version.Version, f.images["parley"])
	f.choose("nats", natsImageEnv, "nats:2")
	f.choose("clickhouse", clickHouseImageEnv, "clickhouse/clickhouse-server:26")
	fmt.Fprintln(os.Stderr, f.says)
	if f.network, err = tcnetwork.New(t.Context()); err != nil {
		t.Fatal(err)
	}
	testcontainers.CleanupNetwork(t, f.network)
	for _, r := range roles {
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer free.Close()
		f.ports[r.name] = free.Addr().String()
	}
	f.in = &instance{
		t: t, ports: [3]string{f.ports["parley"], f.ports["nats"], f.ports["clickhouse"]}, url: "http://" + f.ports["parley"],
		access:     &logAccess{URL: "nats://" + f.ports["nats"], User: "parley", Password: logPassword},
		clickHouse: &account{"http://" + f.ports["clickhouse"], "parley_writer", tablesPassword},
	}
	return f
}

// choose takes the image that a variable names, or else the official one, or else Parley's own.
func (f *fleet) choose(name, variable, official string) {
	image := os.Getenv(variable)
	if image == "" {
		image = official
		if _, err := f.docker.ImageInspect(f.t.Context(), image); err != nil {
			ctx, cancel := context.WithTimeout(f.t.Context(), 5*time.Minute)
			defer cancel()
			pulled, err := f.docker.ImagePull(ctx, image, client.ImagePullOptions{})
			if err == nil {
				err = pulled.Wait(ctx)
			}
			if err != nil {
				image = f.images["parley"]
				f.says += fmt.Sprintf("; %s cannot be pulled", official)
			}
		}
	}
	f.images[name] = image
	if f.own(name) {
		f.says += fmt.Sprintf("; %s is the engine in %s", name, image)
	} else {
		f.says += fmt.Sprintf("; %s is %s", name, image)
	}
}

// own reports whether an engine runs in Parley's image.
func (f *fleet) own(name string) bool {
	found, err := f.docker.ImageInspect(f.t.Context(), f.images[name])
	if err != nil {
		f.t.Fatalf("image %s: %v", f.images[name], err)
	}
	return found.Config != nil && found.Config.Labels["org.opencontainers.image.title"] == "parley"
}

// start makes a member and starts it. With a size, its data is on a tmpfs of so many MiB, which can be filled up.
func (f *fleet) start(name string, size int) {
	f.t.Helper()
	options := []testcontainers.ContainerCustomizer{
		tcnetwork.WithNetwork([]string{name}, f.network),
		testcontainers.WithHostConfigModifier(func(host *container.HostConfig) { f.confine(name, size, host) }),
	}
	for _, r := range roles {
		if r.name == name {
			options = append(options, testcontainers.WithExposedPorts(r.port+"/tcp"))
		}
	}
	secret := func(file, content string) {
		options = append(options, testcontainers.WithFiles(testcontainers.ContainerFile{
			Reader: strings.NewReader(content), ContainerFilePath: secretsFolder + file, FileMode: 0o444,
		}))
	}
	command := func(arguments ...string) { options = append(options, testcontainers.WithCmd(arguments...)) }
	switch {
	case name == "parley":
		secret("log", logPassword)
		secret("tables", tablesPassword)
		command("serve", "--store-text", "--stall-after", "10s", "--log-level", "warn")
		options = append(options, testcontainers.WithEnv(map[string]string{
			"PARLEY_NATS_URL": "nats://nats:4222", "PARLEY_NATS_USER": "parley", "PARLEY_NATS_PASSWORD_FILE": secretsFolder + "log",
			"PARLEY_CLICKHOUSE_URL": "http://clickhouse:8123", "PARLEY_CLICKHOUSE_USER": "parley_writer", "PARLEY_CLICKHOUSE_PASSWORD_FILE": secretsFolder + "tables",
		}))
	case name == "nats" && f.own(name):
		secret("log", logPassword)
		command("engine", "nats", "--password-file", secretsFolder+"log", "--log-level", "warn")
	case name == "nats":
		secret("nats.conf", fmt.Sprintf("max_payload: 1MB\njetstream {store_dir: /data, sync_interval: always}\nauthorization {user: parley, password: %q}\n", logPassword))
		command("-c", secretsFolder+"nats.conf")
	case f.own(name):
		secret("tables", tablesPassword)
		command("engine", "clickhouse", "--writer-password-file", secretsFolder+"tables", "--log-level", "warn")
	default:
		options = append(options, testcontainers.WithEnv(map[string]string{
			"CLICKHOUSE_USER": "parley_writer", "CLICKHOUSE_PASSWORD": tablesPassword, "CLICKHOUSE_DEFAULT_ACCESS_MANAGEMENT": "1",
		}))
	}
	member, err := testcontainers.Run(f.t.Context(), f.images[name], options...)
	if member != nil {
		f.members[name] = member
		testcontainers.CleanupContainer(f.t, member)
		f.t.Cleanup(func() {
			if f.t.Failed() {
				f.t.Logf("end of the log of %s:\n%s", name, f.log(name))
			}
		})
	}
	if err != nil {
		f.t.Fatalf("%s: %v", name, err)
	}
}

// confine gives a member a port that stays the same, and for Parley's image what compose.yaml gives it.
func (f *fleet) confine(name string, size int, host *container.HostConfig) {
	at := netip.MustParseAddrPort(f.ports[name])
	for _, r := range roles {
		if r.name == name {
			host.PortBindings = network.PortMap{network.MustParsePort(r.port + "/tcp"): {{HostIP: at.Addr(), HostPort: fmt.Sprint(at.Port())}}}
		}
	}
	target, owner := "/var/lib/parley", "uid=65532,gid=65532,mode=700"
	if f.own(name) {
		host.CapDrop, host.SecurityOpt = []string{"ALL"}, []string{"no-new-privileges:true"}
	} else {
		target, owner = map[string]string{"nats": "/data", "clickhouse": "/var/lib/clickhouse"}[name], "mode=1777"
	}
	if size > 0 {
		host.Mounts = append(host.Mounts, mount.Mount{Type: mount.TypeVolume, Target: target, VolumeOptions: &mount.VolumeOptions{
			DriverConfig: &mount.Driver{Name: "local", Options: map[string]string{
				"type": "tmpfs", "device": "tmpfs", "o": fmt.Sprintf("size=%dm,%s", size, owner),
			}},
		}})
	}
}

// log returns the end of what a member has written.
func (f *fleet) log(name string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := f.members[name].Logs(ctx)
	if err != nil {
		return err.Error()
	}
	defer out.Close()
	text, _ := io.ReadAll(out)
	return string(text[max(0, len(text)-3000):])
}

// run runs a command of parley in its container, as an operator does with docker exec.
func (f *fleet) run(arguments ...string) (string, int) {
	f.t.Helper()
	code, output, err := f.members["parley"].Exec(f.t.Context(), append([]string{"/usr/local/bin/parley"}, arguments...), tcexec.Multiplexed())
	if err != nil {
		f.t.Fatalf("parley %v: %v", arguments, err)
	}
	text, err := io.ReadAll(output)
	if err != nil {
		f.t.Fatal(err)
	}
	return string(text), code
}

// must is run for a command that has to succeed.
func (f *fleet) must(arguments ...string) string {
	f.t.Helper()
	text, code := f.run(arguments...)
	if code != 0 {
		f.t.Fatalf("parley %v: exit %d\n%s", arguments, code, text)
	}
	return text
}

// ballast writes a file of so many KiB beside a member's data; 0 makes room again.
func (f *fleet) ballast(name, path string, kib int) error {
	return f.members[name].CopyToContainer(f.t.Context(), bytes.Repeat([]byte("ballast "), kib<<7), path, 0o644)
}
