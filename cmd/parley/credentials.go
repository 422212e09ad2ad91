package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/query/auth"
	"github.com/parley-analytics/parley/schema"
)

// credentialsBucket is the bucket in which all roles find the credentials.
const credentialsBucket = "PARLEY_CREDENTIALS"

// loadDirectory opens the credentials on a broker.
func loadDirectory(ctx context.Context, broker *eventlog.Broker) (*auth.Directory, auth.Store, error) {
	bucket, err := broker.Bucket(ctx, credentialsBucket, eventlog.BucketConfig{Description: "keys, users and logins of parley", Sealed: true})
	if err != nil {
		return nil, nil, err
	}
	directory, err := auth.NewDirectory(ctx, bucket, time.Now)
	return directory, bucket, err
}

// openDirectory opens the credentials for a command.
func openDirectory(a *app, at *engines.Location) (*auth.Directory, *eventlog.Broker, error) {
	return engines.OpenRecords(a.ctx, at, "credentials", func(ctx context.Context, broker *eventlog.Broker) (*auth.Directory, error) {
		directory, _, err := loadDirectory(ctx, broker)
		return directory, err
	})
}

// listCredentials prints a table, or JSON lines.
func listCredentials(a *app, at *engines.Location, kind auth.Kind, asJSON bool) error {
	d, broker, err := openDirectory(a, at)
	if err != nil {
		return err
	}
	defer broker.Close()
	all, err := d.List(a.ctx, kind)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	if !asJSON {
		fmt.Fprintln(table, "ID\tNAME\tSCOPES\tPROJECTS\tADDED\tSTATE")
	}
	for _, c := range all {
		scopes := make([]string, len(c.Scopes))
		for i, scope := range c.Scopes {
			scopes[i] = string(scope)
		}
		state := "active"
		if c.Disabled {
			state = "disabled"
		}
		row := struct {
			ID       string    `json:"id"`
			Name     string    `json:"name"`
			Scopes   []string  `json:"scopes"`
			Projects string    `json:"projects"`
			Added    time.Time `json:"added"`
			State    string    `json:"state"`
		}{c.ID, c.Name + c.Email, scopes, auth.FormatProjects(c.Projects), c.CreatedAt, state} // a key has a name, a user an e-mail address
		if asJSON {
			if err := printJSON(a.stdout, row); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n",
			row.ID, printable(row.Name), strings.Join(scopes, ","), row.Projects, row.Added.Format(time.DateTime), state)
	}
	return table.Flush()
}

// credentialNamed is a command about one credential of a kind.
type credentialNamed struct {
	engines.Location
	Name string `arg:"" help:"Id of the key or user, or the user's e-mail address."`
}

// change finds the credential and changes it; done is the word to print.
func (c *credentialNamed) change(a *app, kind auth.Kind, done string, do func(d *auth.Directory, id string) error) error {
	d, broker, err := openDirectory(a, &c.Location)
	if err != nil {
		return err
	}
	defer broker.Close()
	found, err := d.Find(a.ctx, c.Name)
	if errors.Is(err, auth.ErrNotFound) || err == nil && found.Kind != kind {
		return fmt.Errorf("there is no such %s: list them with `parley %s list`", kind, kind)
	}
	if err != nil {
		return err
	}
	if err := do(d, found.ID); err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "%s %s: %s\n", kind, found.ID, done)
	return nil
}

func (c *credentialNamed) setDisabled(a *app, kind auth.Kind, disabled bool) error {
	done := "enabled; earlier logins and tokens stay revoked"
	if disabled {
		done = "disabled; tokens and logins are revoked"
	}
	return c.change(a, kind, done, func(d *auth.Directory, id string) error { return d.SetDisabled(a.ctx, id, disabled) })
}

func (c *credentialNamed) remove(a *app, kind auth.Kind) error {
	return c.change(a, kind, "removed", func(d *auth.Directory, id string) error { return d.Remove(a.ctx, id) })
}

// newRights are the flags that change what a credential may do.
type newRights struct {
	Projects string `help:"Permitted projects: 1,2 or all. Unchanged by default." placeholder:"1,2|all"`
	Scopes   string `help:"Permitted scopes: read, ingest, admin. Unchanged by default." placeholder:"read,ingest,admin"`
}

func (r *newRights) set(a *app, c *credentialNamed, kind auth.Kind) error {
	if r.Projects == "" && r.Scopes == "" {
		return errors.New("nothing to change: give --projects, --scopes or both")
	}
	var projects schema.Projects
	var scopes []schema.Scope
	var err error
	if r.Projects != "" {
		if projects, err = auth.ParseProjects(r.Projects); err != nil {
			return err
		}
	}
	if r.Scopes != "" {
		if scopes, err = auth.ParseScopes(r.Scopes); err != nil {
			return err
		}
	}
	return c.change(a, kind, "rights changed", func(d *auth.Directory, id string) error {
		return d.SetRights(a.ctx, id, scopes, projects)
	})
}
