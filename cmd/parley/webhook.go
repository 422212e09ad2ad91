package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/ingest/webhook"
	"github.com/parley-analytics/parley/schema"
)

type webhookCommand struct {
	Add    webhookAdd    `cmd:"" help:"Add a webhook and print its id and URL. The platform's signing secret, if any, is read from standard input."`
	List   webhookList   `cmd:"" help:"List the webhooks with their counters and last errors."`
	Remove webhookRemove `cmd:"" help:"Remove a webhook. Requests to it are answered 404 immediately."`
	Send   webhookSend   `cmd:"" help:"Post webhooks about conversations to other systems, in the format of Chatra."`
}

type webhookAdd struct {
	engines.Location
	Source   string              `help:"Platform that sends the webhooks." enum:"iadvize,chatra" required:"" placeholder:"iadvize|chatra"`
	Project  projectID           `help:"Project of the events." required:"" placeholder:"N"`
	URL      string              `name:"url" help:"Public address of the HTTP edge. Defaults to that of the serve on --data-dir." placeholder:"URL"`
	Currency string              `help:"Currency of amounts without one." default:"EUR"`
	Bots     []schema.OperatorID `help:"Ids of operators that are bots, which iAdvize webhooks do not identify." placeholder:"ID"`
}

// Run adds a webhook, known to all roles.
func (c *webhookAdd) Run(a *app) error {
	if len(c.Currency) != 3 || strings.Trim(c.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return errors.New("--currency must be three capital letters, e.g. EUR")
	}
	secret, err := readSecret(a.stdin, a.stderr)
	if err != nil {
		return err
	}
	if secret == "" && c.Source == "iadvize" {
		fmt.Fprintln(a.stderr, "no secret given: signatures are not checked, and only the id in the URL protects the webhook")
	}
	base := c.URL
	if base == "" {
		running, err := engines.Running(c.DataDir)
		if err != nil {
			return fmt.Errorf("%w; or give the address of the edge with --url", err)
		}
		base = running.HTTP
	}
	registry, broker, err := engines.OpenRecords(a.ctx, &c.Location, "webhook", webhook.OpenRegistry)
	if err != nil {
		return err
	}
	defer broker.Close()
	hook, err := registry.Add(a.ctx, webhook.Hook{
		Source: c.Source, Project: schema.ProjectID(c.Project), Secret: secret,
		AddedAt: time.Now().UTC(), Currency: c.Currency, Bots: c.Bots,
	})
	if err != nil {
		return err
	}
	return printJSON(a.stdout, struct {
		ID  string `json:"id"`
		URL string `json:"url"`
	}{hook.ID, strings.TrimSuffix(base, "/") + hook.Path()})
}

// readSecret reads one line, which may be empty.
func readSecret(in io.Reader, out io.Writer) (string, error) {
	if file, ok := in.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		fmt.Fprint(out, "signing secret (empty for none): ")
		secret, err := term.ReadPassword(int(file.Fd()))
		fmt.Fprintln(out)
		return strings.TrimSpace(string(secret)), err
	}
	content, err := io.ReadAll(io.LimitReader(in, 64<<10))
	return strings.Trim(string(content), "\r\n"), err
}

type webhookList struct {
	engines.Location
	JSON bool `help:"Print JSON, one webhook a line."`
}

// Run lists the webhooks. Ids are secrets if the platform does not sign; signing secrets are not shown.
func (c *webhookList) Run(a *app) error {
	registry, broker, err := engines.OpenRecords(a.ctx, &c.Location, "webhook", webhook.OpenRegistry)
	if err != nil {
		return err
	}
	defer broker.Close()
	all, err := registry.List(a.ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	if !c.JSON {
		fmt.Fprintln(table, "ID\tSOURCE\tPROJECT\tADDED\tDELIVERIES\tACCEPTED\tDUPLICATES\tUNSUPPORTED\tFAILED\tLAST ERROR")
	}
	for _, l := range all {
		if c.JSON {
			row := struct {
				ID      string           `json:"id"`
				Source  string           `json:"source"`
				Project schema.ProjectID `json:"project"`
				Signed  bool             `json:"signed"`
				AddedAt time.Time        `json:"addedAt"`
				webhook.Figures
			}{l.ID, l.Source, l.Project, l.Secret != "", l.AddedAt, l.Figures}
			if err := printJSON(a.stdout, row); err != nil {
				return err
			}
			continue
		}
		last := "-"
		if l.LastError != "" {
			last = l.LastErrorAt.Format(time.DateTime) + " " + printable(l.LastError)
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%d\t%d\t%d\t%d\t%d\t%s\n", l.ID, printable(l.Source), l.Project, l.AddedAt.Format(time.DateTime),
			l.Deliveries, l.Accepted, l.Duplicates, l.Unsupported, l.Failed, last)
	}
	return table.Flush()
}

type webhookRemove struct {
	engines.Location
	ID string `arg:"" help:"Id of the webhook."`
}

// Run removes the webhook.
func (c *webhookRemove) Run(a *app) error {
	registry, broker, err := engines.OpenRecords(a.ctx, &c.Location, "webhook", webhook.OpenRegistry)
	if err != nil {
		return err
	}
	defer broker.Close()
	if err := registry.Remove(a.ctx, c.ID); err != nil {
		return err
	}
	fmt.Fprintln(a.stderr, "webhook removed")
	return nil
}
