package main

import (
	"cmp"
	"errors"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/query/auth"
	"github.com/parley-analytics/parley/schema"
)

type keyCommand struct {
	Add     keyAdd     `cmd:"" help:"Add a key and print its id and secret, once."`
	Set     keySet     `cmd:"" help:"Change a key's projects or scopes, effective immediately."`
	Rotate  keyRotate  `cmd:"" help:"Give a key a new secret and print it, once. The old secret and its tokens are revoked immediately."`
	Disable keyDisable `cmd:"" help:"Disable a key. Its tokens are revoked immediately and permanently."`
	Enable  keyEnable  `cmd:"" help:"Enable a disabled key."`
	List    keyList    `cmd:"" help:"List the keys."`
	Remove  keyRemove  `cmd:"" help:"Remove a key. Its tokens are revoked immediately."`
}

type keyAdd struct {
	engines.Location
	Projects string      `help:"Permitted projects: 1,2 or all." placeholder:"1,2|all"`
	Scopes   string      `help:"Permitted scopes: read, ingest, admin. Not with --role." placeholder:"read,ingest,admin"`
	Role     schema.Role `help:"Make a key for chats with sellers instead: operator (every seller of the projects, all by default) or seller (one)." placeholder:"operator|seller"`
	Seller   string      `help:"Id of the seller whose chat the key is for, with --role seller." placeholder:"ID"`
	Name     string      `help:"What the key is for." required:"" placeholder:"N"`
}

// Validate checks which flags belong together.
func (c *keyAdd) Validate() error {
	switch {
	case c.Role == "" && (c.Projects == "" || c.Scopes == ""):
		return errors.New("missing flags: --projects and --scopes, or --role")
	case c.Role != "" && c.Scopes != "":
		return errors.New("--scopes and --role exclude each other: a key with a role takes part in seller chats only")
	case c.Role == "" && c.Seller != "":
		return errors.New("--seller needs --role seller")
	}
	return nil
}

// Run adds a key to the credentials shared by all roles.
func (c *keyAdd) Run(a *app) error {
	projects, err := auth.ParseProjects(cmp.Or(c.Projects, "all"))
	if err != nil {
		return err
	}
	var scopes []schema.Scope
	if c.Role == "" {
		if scopes, err = auth.ParseScopes(c.Scopes); err != nil {
			return err
		}
	}
	d, broker, err := openDirectory(a, &c.Location)
	if err != nil {
		return err
	}
	defer broker.Close()
	var key auth.Key
	if c.Role == "" {
		key, err = d.AddKey(a.ctx, c.Name, scopes, projects)
	} else {
		key, err = d.AddChatKey(a.ctx, c.Name, c.Role, c.Seller, projects)
	}
	if err != nil {
		return err
	}
	return printJSON(a.stdout, key)
}

type keyList struct {
	engines.Location
	JSON bool `help:"Print JSON, one key a line."`
}

// Run lists the keys, without their secrets.
func (c *keyList) Run(a *app) error {
	return listCredentials(a, &c.Location, auth.KindKey, c.JSON)
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
