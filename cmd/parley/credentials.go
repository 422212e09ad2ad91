package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/query/auth"
)

// credentialsBucket is where all roles find the credentials.
const credentialsBucket = "PARLEY_CREDENTIALS"

// credentialStore keeps credentials in a bucket of the broker.
type credentialStore struct{ bucket *eventlog.Bucket }

func (s credentialStore) Get(ctx context.Context, key string) ([]byte, uint64, error) {
	value, revision, err := s.bucket.Get(ctx, key)
	return value, revision, credentialError(err)
}

func (s credentialStore) Put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	revision, err := s.bucket.Put(ctx, key, value, revision)
	return revision, credentialError(err)
}

func (s credentialStore) Delete(ctx context.Context, key string) error {
	return credentialError(s.bucket.Delete(ctx, key))
}

func (s credentialStore) List(ctx context.Context, prefix string) (map[string][]byte, error) {
	values, err := s.bucket.List(ctx, prefix)
	return values, credentialError(err)
}

// credentialError says a broker's error in the words of package auth.
func credentialError(err error) error {
	switch {
	case errors.Is(err, eventlog.ErrNotFound):
		return fmt.Errorf("%w: %w", auth.ErrNotFound, err)
	case errors.Is(err, eventlog.ErrConflict):
		return fmt.Errorf("%w: %w", auth.ErrConflict, err)
	}
	return err
}

// loadDirectory opens the credentials on a broker.
func loadDirectory(ctx context.Context, broker *eventlog.Broker) (*auth.Directory, auth.Store, error) {
	bucket, err := broker.Bucket(ctx, credentialsBucket, eventlog.BucketConfig{Description: "keys, users and logins of parley"})
	if err != nil {
		return nil, nil, err
	}
	store := credentialStore{bucket}
	directory, err := auth.NewDirectory(ctx, store, time.Now)
	return directory, store, err
}

// openedDirectory is a directory with a connection of its own.
type openedDirectory struct {
	*auth.Directory
	close func()
}

// openDirectory connects to the broker beside which the command runs.
func openDirectory(a *app, dir string, servers *serverFlags) (*openedDirectory, error) {
	e, err := logBeside(dir, servers)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(a.ctx, 15*time.Second)
	defer cancel()
	e.log.Name, e.log.Observe = "parley credentials", true
	broker, err := eventlog.Open(ctx, e.log)
	if err != nil {
		return nil, err
	}
	directory, _, err := loadDirectory(ctx, broker)
	if err != nil {
		broker.Close()
		return nil, err
	}
	return &openedDirectory{directory, broker.Close}, nil
}

// listCredentials prints a table, or JSON lines.
func listCredentials(a *app, dir string, servers *serverFlags, kind auth.Kind, asJSON bool) error {
	d, err := openDirectory(a, dir, servers)
	if err != nil {
		return err
	}
	defer d.close()
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
		}{c.ID, c.Name + c.Email, scopes, auth.FormatProjects(c.Projects), c.CreatedAt, state} // a key has a name, a user an address
		if asJSON {
			if err := json.NewEncoder(a.stdout).Encode(row); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n",
			row.ID, row.Name, strings.Join(scopes, ","), row.Projects, row.Added.Format(time.DateTime), state)
	}
	return table.Flush()
}

// credentialRemove removes a key by its id, or a user by id or e-mail address.
type credentialRemove struct {
	dataDir
	serverFlags
	Name string `arg:"" help:"Id, or e-mail address of a user."`
}

// Run removes the credential.
func (c *credentialRemove) Run(a *app) error {
	d, err := openDirectory(a, c.DataDir, &c.serverFlags)
	if err != nil {
		return err
	}
	defer d.close()
	found, err := d.Find(a.ctx, c.Name)
	if errors.Is(err, auth.ErrNotFound) {
		return errors.New("there is no such credential")
	}
	if err != nil {
		return err
	}
	if err := d.Remove(a.ctx, found.ID); err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "%s %s removed\n", found.Kind, found.ID)
	return nil
}
