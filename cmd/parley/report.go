package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/query/agents"
	"github.com/parley-analytics/parley/query/auth"
	"github.com/parley-analytics/parley/query/saved"
	"github.com/parley-analytics/parley/schema"
)

type reportCommand struct {
	Save   reportSave   `cmd:"" help:"Save a GraphQL query with the position at which it is asked now."`
	Check  reportCheck  `cmd:"" help:"Ask a saved query as of its position and now, and print the differences. Exits with 1 if there are any."`
	List   reportList   `cmd:"" help:"List the saved reports."`
	Show   reportShow   `cmd:"" help:"Print the query of a report."`
	Remove reportRemove `cmd:"" help:"Remove a report."`
}

// reportsBucket is the bucket of the saved reports.
const reportsBucket = "PARLEY_REPORTS"

// savedReport is a report as it is stored.
type savedReport struct {
	Name     string    `json:"name"`
	Query    string    `json:"query"`
	Position string    `json:"position"`
	Projects string    `json:"projects"` // of the key that asked
	SavedAt  time.Time `json:"savedAt"`
}

// reportName is how a report is called.
type reportName string

var reportNames = regexp.MustCompile(`^[A-Za-z0-9_-]([A-Za-z0-9._-]{0,62}[A-Za-z0-9_-])?$`)

// UnmarshalText checks the name.
func (n *reportName) UnmarshalText(text []byte) error {
	if !reportNames.Match(text) || strings.Contains(string(text), "..") {
		return errors.New("must have 1 to 64 letters, digits, hyphens, underscores and single dots, with no dot at the ends")
	}
	*n = reportName(text)
	return nil
}

const reportPrefix = "report."

func (n reportName) key() string { return reportPrefix + string(n) }

// reports are the saved reports of a running installation.
type reports struct {
	bucket    *eventlog.Bucket
	directory *auth.Directory
}

func openReports(a *app, at *engines.Location) (*reports, *eventlog.Broker, error) {
	return engines.OpenRecords(a.ctx, at, "reports", func(ctx context.Context, broker *eventlog.Broker) (*reports, error) {
		bucket, err := broker.Bucket(ctx, reportsBucket, eventlog.BucketConfig{Description: "saved reports of parley"})
		if err != nil {
			return nil, err
		}
		directory, _, err := loadDirectory(ctx, broker)
		return &reports{bucket, directory}, err
	})
}

// openReport opens the reports, and finds one.
func openReport(a *app, at *engines.Location, name reportName) (*savedReport, *reports, *eventlog.Broker, error) {
	r, broker, err := openReports(a, at)
	if err != nil {
		return nil, nil, nil, err
	}
	found, err := r.find(a.ctx, name)
	if err != nil {
		broker.Close()
		return nil, nil, nil, err
	}
	return found, r, broker, nil
}

// find returns a report.
func (r *reports) find(ctx context.Context, name reportName) (*savedReport, error) {
	value, err := r.bucket.Get(ctx, name.key())
	if errors.Is(err, schema.ErrNotFound) {
		return nil, fmt.Errorf("there is no report %s: see `parley report list`", name)
	}
	if err != nil {
		return nil, err
	}
	found := new(savedReport)
	return found, json.Unmarshal(value, found)
}

// asking are the flags of commands that ask the API.
type asking struct {
	engines.Location
	URL     string `name:"url" help:"Address of the API. Defaults to that of the serve on --data-dir." placeholder:"URL"`
	KeyFile string `help:"File with the id and secret of a key with scope read. Defaults to the admin key of --data-dir." type:"path" placeholder:"FILE"`
}

// asker asks the API with a key, which may read some projects.
type asker struct {
	remote   agents.Remote
	projects string
}

func (c *asking) asker(ctx context.Context, directory *auth.Directory) (*asker, error) {
	api, err := apiOf(c.DataDir, c.URL, c.KeyFile)
	if err != nil {
		return nil, err
	}
	found, err := directory.Find(ctx, api.key.ID)
	if err != nil {
		return nil, fmt.Errorf("the key: %w", err)
	}
	return &asker{api.remote(), auth.FormatProjects(found.Projects)}, nil
}

// ask returns the data of an answer.
func (k *asker) ask(ctx context.Context, document string) (json.RawMessage, error) {
	request, err := json.Marshal(map[string]string{"query": document})
	if err != nil {
		return nil, err
	}
	body, err := k.remote.Ask(ctx, http.Header{}, request)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data   json.RawMessage
		Errors []struct{ Message string }
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("the answer is larger than %d bytes or not JSON: select less", agents.MaxAnswer)
	}
	if len(answer.Errors) > 0 {
		return nil, fmt.Errorf("the query failed: %s", printable(answer.Errors[0].Message))
	}
	return answer.Data, nil
}

// positionQuery reads the present position.
const positionQuery = `{ metrics(interval: {from: "1970-01-01T00:00:00Z", to: "1970-01-02T00:00:00Z"}) { position } }`

type reportSave struct {
	asking
	Name  reportName `arg:"" help:"Name of the report."`
	Query string     `help:"File with a GraphQL query of metrics, contacts, closedConversations, searchClosedConversations, conversation or explain, without variables; - reads standard input." required:"" placeholder:"FILE"`
}

// Run asks the query once, and saves it with its position. A report with the name is replaced.
func (c *reportSave) Run(a *app) error {
	question, err := c.question(a)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Query, err)
	}
	r, broker, err := openReports(a, &c.Location)
	if err != nil {
		return err
	}
	defer broker.Close()
	asker, err := c.asker(a.ctx, r.directory)
	if err != nil {
		return err
	}
	now, err := asker.ask(a.ctx, positionQuery)
	if err != nil {
		return err
	}
	var at struct{ Metrics struct{ Position string } }
	if err := json.Unmarshal(now, &at); err != nil {
		return err
	}
	if _, err := asker.ask(a.ctx, question.AsOf(at.Metrics.Position)); err != nil {
		return err
	}
	value, err := json.Marshal(savedReport{string(c.Name), question.Document(), at.Metrics.Position, asker.projects, time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return err
	}
	if err := r.bucket.Update(a.ctx, c.Name.key(), func([]byte) ([]byte, error) { return value, nil }); err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "report %s is saved as of position %s\n", c.Name, at.Metrics.Position)
	return nil
}

// maxReport is the maximum size of a query in bytes.
const maxReport = 64 << 10

func (c *reportSave) question(a *app) (*saved.Question, error) {
	in := a.stdin
	if c.Query != "-" {
		file, err := os.Open(c.Query)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in = file
	}
	content, err := io.ReadAll(io.LimitReader(in, maxReport+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxReport {
		return nil, fmt.Errorf("the query is longer than %d bytes", maxReport)
	}
	return saved.Parse(string(bytes.TrimSpace(content)))
}

type reportCheck struct {
	asking
	Name reportName `arg:"" help:"Name of the report."`
}

// Run prints a line for each difference.
func (c *reportCheck) Run(a *app) error {
	found, r, broker, err := openReport(a, &c.Location, c.Name)
	if err != nil {
		return err
	}
	defer broker.Close()
	asker, err := c.asker(a.ctx, r.directory)
	if err != nil {
		return err
	}
	if asker.projects != found.Projects {
		return fmt.Errorf("the report was saved with a key for the projects %s, this one is for %s: pass one for the same with --key-file", found.Projects, asker.projects)
	}
	question, err := saved.Parse(found.Query)
	if err != nil {
		return err
	}
	then, err := asker.ask(a.ctx, question.AsOf(found.Position))
	if err != nil {
		return err
	}
	today, err := asker.ask(a.ctx, question.Now())
	if err != nil {
		return err
	}
	differences, err := saved.Compare(then, today)
	if err != nil {
		return err
	}
	for _, d := range differences {
		fmt.Fprintf(a.stdout, "%s: %s → %s\n", printable(d.Path), orNothing(d.Then), orNothing(d.Today))
	}
	if len(differences) == 0 {
		fmt.Fprintf(a.stderr, "report %s: nothing has changed since position %s\n", c.Name, found.Position)
		return nil
	}
	fmt.Fprintf(a.stderr, "report %s: %s since position %s; restatements(since: %q) tells why figures of metrics differ\n",
		c.Name, counted(uint64(len(differences)), "difference", "differences"), found.Position, found.Position)
	return errReported
}

func orNothing(value string) string {
	if value == "" {
		return "(none)"
	}
	return printable(value)
}

type reportList struct{ engines.Location }

// Run prints a table.
func (c *reportList) Run(a *app) error {
	r, broker, err := openReports(a, &c.Location)
	if err != nil {
		return err
	}
	defer broker.Close()
	values, err := r.bucket.List(a.ctx, reportPrefix)
	if err != nil {
		return err
	}
	all := make([]savedReport, 0, len(values))
	for _, value := range values {
		var found savedReport
		if err := json.Unmarshal(value, &found); err != nil {
			return err
		}
		all = append(all, found)
	}
	slices.SortFunc(all, func(x, y savedReport) int { return strings.Compare(x.Name, y.Name) })
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tPROJECTS\tSAVED\tPOSITION")
	for _, s := range all {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", s.Name, s.Projects, s.SavedAt.Format(time.RFC3339), s.Position)
	}
	return table.Flush()
}

// namedReport is one report.
type namedReport struct {
	engines.Location
	Name reportName `arg:"" help:"Name of the report."`
}

type reportShow struct{ namedReport }

// Run prints the query.
func (c *reportShow) Run(a *app) error {
	found, _, broker, err := openReport(a, &c.Location, c.Name)
	if err != nil {
		return err
	}
	defer broker.Close()
	_, err = fmt.Fprintln(a.stdout, found.Query)
	return err
}

type reportRemove struct{ namedReport }

// Run removes the report.
func (c *reportRemove) Run(a *app) error {
	_, r, broker, err := openReport(a, &c.Location, c.Name)
	if err != nil {
		return err
	}
	defer broker.Close()
	return r.bucket.Delete(a.ctx, c.Name.key())
}
