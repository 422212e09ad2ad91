package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/parley-analytics/parley/deploy/embedded"
	"github.com/parley-analytics/parley/schema/timezone"
)

// version is set when a release is linked.
var version = "development"

type versionCommand struct {
	JSON    bool `help:"Print JSON."`
	Engines bool `help:"Print the versions of the embedded engines only."`
}

// Run prints the version of the binary, of the engines it embeds and of its time
// zone database.
func (c *versionCommand) Run(a *app) error {
	engines := fmt.Sprintf("nats-server %s, ClickHouse %s", natsVersion(), embedded.LibraryVersion)
	switch {
	case c.JSON:
		return printJSON(a.stdout, map[string]string{
			"version": version, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH,
			"nats-server": natsVersion(), "clickhouse": embedded.LibraryVersion, "tzdata": timezone.Version,
		})
	case c.Engines:
		_, err := fmt.Fprintln(a.stdout, engines)
		return err
	}
	_, err := fmt.Fprintf(a.stdout, "parley %s (%s, %s/%s; embeds %s, tzdata %s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH, engines, timezone.Version)
	return err
}

// natsVersion is the version of the module built in.
func natsVersion() string {
	info, ok := debug.ReadBuildInfo()
	if ok {
		for _, module := range info.Deps {
			if module.Path == "github.com/nats-io/nats-server/v2" {
				return module.Version
			}
		}
	}
	return "unknown"
}
