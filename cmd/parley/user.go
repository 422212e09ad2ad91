package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/query/auth"
)

type userCommand struct {
	Add     userAdd     `cmd:"" help:"Add a user; the password is read from standard input."`
	Passwd  userPasswd  `cmd:"" help:"Change a user's password, read from standard input. The user's logins are revoked immediately."`
	Set     userSet     `cmd:"" help:"Change a user's projects or scopes, effective immediately."`
	Disable userDisable `cmd:"" help:"Disable a user. The user's logins and tokens are revoked immediately and permanently."`
	Enable  userEnable  `cmd:"" help:"Enable a disabled user."`
	List    userList    `cmd:"" help:"List the users."`
	Remove  userRemove  `cmd:"" help:"Remove a user. The user's logins and tokens are revoked immediately."`
}

// rights are the flags of what a new credential may do.
type rights struct {
	Projects string `help:"Permitted projects: 1,2 or all." required:"" placeholder:"1,2|all"`
	Scopes   string `help:"Permitted scopes: read, ingest, admin." required:"" placeholder:"read,ingest,admin"`
}

type userAdd struct {
	engines.Location
	rights
	Email string `help:"E-mail address, used as the user name." required:"" placeholder:"E"`
}

// Run adds a user to the credentials shared by all roles.
func (c *userAdd) Run(a *app) error {
	projects, err := auth.ParseProjects(c.Projects)
	if err != nil {
		return err
	}
	scopes, err := auth.ParseScopes(c.Scopes)
	if err != nil {
		return err
	}
	password, err := readPassword(a.stdin, a.stderr)
	if err != nil {
		return err
	}
	d, broker, err := openDirectory(a, &c.Location)
	if err != nil {
		return err
	}
	defer broker.Close()
	if _, err := d.AddUser(a.ctx, c.Email, password, scopes, projects); err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "user %s added\n", c.Email)
	return nil
}

// readPassword reads one line; on a terminal it prompts for it without echo.
func readPassword(in io.Reader, out io.Writer) (string, error) {
	if file, ok := in.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		fmt.Fprint(out, "password: ")
		password, err := term.ReadPassword(int(file.Fd()))
		fmt.Fprintln(out)
		return string(password), err
	}
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", errors.New("no password on standard input")
	}
	return line, nil
}

type userList struct {
	engines.Location
	JSON bool `help:"Print JSON, one user a line."`
}

// Run lists the users.
func (c *userList) Run(a *app) error {
	return listCredentials(a, &c.Location, auth.KindUser, c.JSON)
}

type userPasswd struct{ credentialNamed }

// Run replaces the password.
func (c *userPasswd) Run(a *app) error {
	password, err := readPassword(a.stdin, a.stderr)
	if err != nil {
		return err
	}
	return c.change(a, auth.KindUser, "password changed; logins are revoked", func(d *auth.Directory, id string) error {
		return d.SetPassword(a.ctx, id, password)
	})
}

type userSet struct {
	credentialNamed
	newRights
}

// Run changes the rights of a user.
func (c *userSet) Run(a *app) error { return c.set(a, &c.credentialNamed, auth.KindUser) }

type userDisable struct{ credentialNamed }

// Run disables a user.
func (c *userDisable) Run(a *app) error { return c.setDisabled(a, auth.KindUser, true) }

type userEnable struct{ credentialNamed }

// Run enables a user.
func (c *userEnable) Run(a *app) error { return c.setDisabled(a, auth.KindUser, false) }

type userRemove struct{ credentialNamed }

// Run removes a user.
func (c *userRemove) Run(a *app) error { return c.remove(a, auth.KindUser) }
