package main

import (
	"encoding/json"

	"github.com/parley-analytics/parley/query/auth"
)

type keyCommand struct {
	Add    keyAdd           `cmd:"" help:"Add a key and print its id and secret, once."`
	List   keyList          `cmd:"" help:"List the keys."`
	Remove credentialRemove `cmd:"" help:"Remove a key, by id; tokens end at once."`
}

type keyAdd struct {
	dataDir
	serverFlags
	rights
	Name string `help:"What the key is for." required:"" placeholder:"N"`
}

// Run adds a key to the credentials that all roles share.
func (c *keyAdd) Run(a *app) error {
	projects, err := auth.ParseProjects(c.Projects)
	if err != nil {
		return err
	}
	scopes, err := auth.ParseScopes(c.Scopes)
	if err != nil {
		return err
	}
	d, err := openDirectory(a, c.DataDir, &c.serverFlags)
	if err != nil {
		return err
	}
	defer d.close()
	key, err := d.AddKey(a.ctx, c.Name, scopes, projects)
	if err != nil {
		return err
	}
	return json.NewEncoder(a.stdout).Encode(key)
}

type keyList struct {
	dataDir
	serverFlags
	JSON bool `help:"Print JSON, one key a line."`
}

// Run lists the keys, without their secrets.
func (c *keyList) Run(a *app) error {
	return listCredentials(a, c.DataDir, &c.serverFlags, auth.KindKey, c.JSON)
}
