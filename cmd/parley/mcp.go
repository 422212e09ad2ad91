package main

import (
	"net/http"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/query/agents"
)

// mcpCommand serves AI agents over standard input and output.
type mcpCommand struct {
	engines.Folder
	URL     string `name:"url" help:"Address of the API. Defaults to that of the serve on --data-dir." placeholder:"URL"`
	KeyFile string `help:"File with the id and secret of a key with scope read. Defaults to the admin key of --data-dir." type:"path" placeholder:"FILE"`
}

// Run answers until standard input ends.
func (c *mcpCommand) Run(a *app) error {
	found, err := apiOf(c.DataDir, c.URL, c.KeyFile)
	if err != nil {
		return err
	}
	server := agents.New(found.remote(), version, found.address)
	return agents.Serve(a.ctx, server, a.stdin, a.stdout)
}

// openAgents serves the same over HTTP.
func (f *queryFlags) openAgents(n *node, graphQL http.Handler) {
	if f.MCP {
		server := agents.New(agents.Within{GraphQL: graphQL}, version, "")
		n.web.Open(agents.Path, agents.NewHandler(server, n.authority, f.AllowOrigin))
	}
}
