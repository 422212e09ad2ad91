package main

import (
	"github.com/parley-analytics/parley/query/auth"
)

type keyCommand struct {
	Add     keyAdd     `cmd:"" help:"Add a key and print its id and secret, once."`
	Set     keySet     `cmd:"" help:"Change a key's projects or scopes, effective at once."`
	Rotate  keyRotate  `cmd:"" help:"Give a key a new secret and print it, once. The old secret and its tokens end at once."`
	Disable keyDisable `cmd:"" help:"Disable a key. Its tokens end at once, for good."`
	Enable  keyEnable  `cmd:"" help:"Enable a disabled key."`
	List    keyList    `cmd:"" help:"List the keys."`
	Remove  keyRemove  `cmd:"" help:"Remove a key. Its tokens end at once."`
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
	return printJSON(a.stdout, key)
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

type keySet struct {
	credentialNamed
	newRights
}

// Run changes the rights of a key.
func (c *keySet) Run(a *app) error { return c.set(a, &c.credentialNamed, auth.KindKey) }

type keyRotate struct{ credentialNamed }

// Run prints the new secret as add does.
func (c *keyRotate) Run(a *app) error {
	return c.change(a, auth.KindKey, "secret replaced", func(d *auth.Directory, id string) error {
		key, err := d.Rotate(a.ctx, id)
		if err != nil {
			return err
		}
		return printJSON(a.stdout, key)
	})
}

type keyDisable struct{ credentialNamed }

// Run disables a key.
func (c *keyDisable) Run(a *app) error { return c.setDisabled(a, auth.KindKey, true) }

type keyEnable struct{ credentialNamed }

// Run enables a key.
func (c *keyEnable) Run(a *app) error { return c.setDisabled(a, auth.KindKey, false) }

type keyRemove struct{ credentialNamed }

// Run removes a key.
func (c *keyRemove) Run(a *app) error { return c.remove(a, auth.KindKey) }
