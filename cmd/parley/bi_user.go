package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/deploy/embedded"
	"github.com/parley-analytics/parley/query/auth"
)

type biUserCommand struct {
	Add    biUserAdd    `cmd:"" help:"Add a ClickHouse user who sees only some projects, and print the password, once."`
	List   biUserList   `cmd:"" help:"List the ClickHouse users of single projects."`
	Remove biUserRemove `cmd:"" help:"Remove a ClickHouse user of single projects."`
}

// Help says what the commands are about.
func (biUserCommand) Help() string {
	return "Dashboards of all projects connect as parley_bi; see parley endpoints. These are users of the embedded ClickHouse, which restarts within seconds after a change. For a server of your own see \"A ClickHouse server of your own\" in deploy/SECURITY.md."
}

type biUserAdd struct {
	engines.Folder
	Name     string `help:"User name: letters, digits, - and _." required:"" placeholder:"N"`
	Projects string `help:"Visible projects: 1,2." required:"" placeholder:"1,2"`
}

// Run adds a user; it returns once a running ClickHouse accepts the user.
func (c *biUserAdd) Run(a *app) error {
	projects, err := auth.ParseProjects(c.Projects)
	if err != nil {
		return err
	}
	if projects.All {
		return errors.New("projects: must be a list; the user of all projects is parley_bi: see `parley endpoints --secrets`")
	}
	running, err := guestsOf(&c.Folder)
	if err != nil {
		return err
	}
	ids := make([]uint32, len(projects.IDs))
	for i, id := range projects.IDs {
		ids[i] = uint32(id)
	}
	password, err := embedded.AddGuest(c.DataDir, c.Name, ids)
	if err != nil {
		return err
	}
	if err := printJSON(a.stdout, embedded.User{Name: c.Name, Password: password}); err != nil {
		return err
	}
	return awaitGuest(a, running, embedded.User{Name: c.Name, Password: password})
}

type biUserList struct {
	engines.Folder
	JSON bool `help:"Print JSON, one user a line."`
}

// Run lists the users, without their passwords.
func (c *biUserList) Run(a *app) error {
	guests, err := embedded.Guests(c.DataDir)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	if !c.JSON {
		fmt.Fprintln(table, "USER\tPROJECTS")
	}
	for _, g := range guests {
		projects := strings.Trim(strings.ReplaceAll(fmt.Sprint(g.Projects), " ", ","), "[]")
		if !c.JSON {
			fmt.Fprintf(table, "%s\t%s\n", g.Name, projects)
			continue
		}
		err := printJSON(a.stdout, struct {
			User     string `json:"user"`
			Projects string `json:"projects"`
		}{g.Name, projects})
		if err != nil {
			return err
		}
	}
	return table.Flush()
}

type biUserRemove struct {
	engines.Folder
	Name string `arg:"" help:"User name."`
}

// Run removes a user. A running ClickHouse refuses the user within seconds.
func (c *biUserRemove) Run(a *app) error {
	if _, err := guestsOf(&c.Folder); err != nil {
		return err
	}
	if err := embedded.RemoveGuest(c.DataDir, c.Name); err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "BI user %s: removed; a running ClickHouse restarts within seconds\n", c.Name)
	return nil
}

// guestsOf returns the serve that runs on the data dir, nil if there is none, or an error if its ClickHouse is not embedded.
func guestsOf(folder *engines.Folder) (*engines.Endpoints, error) {
	running, err := engines.Running(folder.DataDir)
	if errors.Is(err, engines.ErrNotRunning) {
		return nil, nil
	}
	if err == nil && running.ClickHouse.BI.Name == "" {
		return nil, errors.New("serve uses a ClickHouse server of your own: create the user there, as deploy/SECURITY.md describes")
	}
	return running, err
}

const (
	// guestWithin is how long a running ClickHouse may take to accept a new user.
	guestWithin = 30 * time.Second
	// guestAgain is the pause between attempts.
	guestAgain = 200 * time.Millisecond
)

// awaitGuest waits until the user can log in, if there is a serve.
func awaitGuest(a *app, running *engines.Endpoints, user embedded.User) error {
	if running == nil {
		fmt.Fprintf(a.stderr, "BI user %s added; a ClickHouse that starts on this data directory accepts it\n", user.Name)
		return nil
	}
	encrypted, err := running.ClickHouse.TLS.Config("clickhouse")
	if err != nil {
		return err
	}
	server := &http.Client{Transport: over(encrypted)}
	ctx, cancel := context.WithTimeout(a.ctx, guestWithin)
	defer cancel()
	again := time.NewTicker(guestAgain)
	defer again.Stop()
	for {
		if acceptsGuest(ctx, server, running.ClickHouse.HTTP, user) {
			fmt.Fprintf(a.stderr, "BI user %s added; connect to %s\n", user.Name, running.ClickHouse.HTTP)
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("BI user %s was added, but ClickHouse does not accept it yet: look at the log of serve", user.Name)
		case <-again.C:
		}
	}
}

func acceptsGuest(ctx context.Context, server *http.Client, address string, user embedded.User) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/?query=SELECT+1", nil)
	if err != nil {
		return false
	}
	request.SetBasicAuth(user.Name, user.Password)
	response, err := server.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<10)) // the connection is used again
	return response.StatusCode == http.StatusOK
}
