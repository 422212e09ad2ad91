package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/cenkalti/backoff/v5"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/cmd/internal/progress"
	"github.com/parley-analytics/parley/deploy/atomicfile"
	"github.com/parley-analytics/parley/ingest/client"
	"github.com/parley-analytics/parley/query/auth"
	"github.com/parley-analytics/parley/query/export"
)

// exportTables are the commands that export what queries see.
type exportTables struct {
	Conversations exportConversations `cmd:"" help:"Export the table of conversations."`
	Contacts      exportContacts      `cmd:"" help:"Export the table of contacts."`
	Transactions  exportTransactions  `cmd:"" help:"Export the table of transactions."`
}

type (
	exportConversations struct{ exportTable }
	exportContacts      struct{ exportTable }
	exportTransactions  struct{ exportTable }
)

// Run writes conversations.
func (c *exportConversations) Run(a *app) error { return c.run(a, "conversations") }

// Run writes contacts.
func (c *exportContacts) Run(a *app) error { return c.run(a, "contacts") }

// Run writes transactions.
func (c *exportTransactions) Run(a *app) error { return c.run(a, "transactions") }

// exportTable selects the rows of a table to export and the destination. It uses the HTTP API and
// sees what its key may see.
type exportTable struct {
	engines.Folder
	Format       string   `help:"ndjson, csv or parquet." enum:"ndjson,csv,parquet" default:"ndjson"`
	Projects     string   `help:"Only these projects, e.g. 1,2." default:"all" placeholder:"1,2|all"`
	From         string   `help:"Start of the interval (inclusive), by close, start or receipt time. Without --from and --to, all rows." placeholder:"TIME"`
	To           string   `help:"End of the interval (exclusive)." placeholder:"TIME"`
	Filter       []string `help:"GraphQL filter, e.g. answered=true, channels=CHAT,SMS, tagIds=vip, netPromoterScore.min=9. Repeatable." sep:"none" placeholder:"NAME=VALUE"`
	Raw          bool     `help:"With csv: do not prefix an apostrophe to text that a spreadsheet would read as a formula."`
	UpdatedSince string   `help:"Only rows that changed after this position." placeholder:"POSITION" xor:"since"`
	PositionFile string   `help:"Only rows that changed after the position in this file, if it exists. The new position is written to it." type:"path" placeholder:"FILE" xor:"since"`
	Out          string   `help:"Output file, written completely or not at all. Defaults to standard output." type:"path" placeholder:"FILE"`
	URL          string   `name:"url" help:"Address of the API. Defaults to that of the serve on --data-dir." placeholder:"URL"`
	KeyFile      string   `help:"File with the id and secret of a key with scope read. Defaults to the admin key of --data-dir." type:"path" placeholder:"FILE"`
}

func (c *exportTable) run(a *app, table string) error {
	api, err := apiOf(c.DataDir, c.URL, c.KeyFile)
	if err != nil {
		return err
	}
	values, err := c.parameters()
	if err != nil {
		return err
	}
	address := api.address + export.Path + table + "?" + values.Encode()
	through := api.http()
	response, err := backoff.Retry(a.ctx, func() (*http.Response, error) { return askExport(a.ctx, through, address, api.key) },
		backoff.WithBackOff(backoff.NewExponentialBackOff()), backoff.WithMaxElapsedTime(client.GiveUpAfter))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	rows, err := strconv.ParseInt(response.Header.Get(export.HeaderRows), 10, 64)
	if err != nil {
		return fmt.Errorf("%s does not look like a Parley server: response has no row count", api.address)
	}
	shown := newRowCounter(a.stderr, table, c.Format, rows)
	err = toFile(a.stdout, c.Out, func(out io.Writer) error {
		_, err := io.Copy(io.MultiWriter(out, shown), response.Body)
		return err
	})
	if err != nil {
		return fmt.Errorf("the export was interrupted and is incomplete: %w", err)
	}
	shown.progress.Finish()
	position := response.Header.Get(export.HeaderPosition)
	if c.PositionFile != "" {
		return atomicfile.Write(c.PositionFile, []byte(position+"\n"))
	}
	fmt.Fprintf(a.stderr, "position: %s (continue from here with --updated-since)\n", printable(position))
	return nil
}

// parameters returns the parameters of the request.
func (c *exportTable) parameters() (url.Values, error) {
	values := url.Values{"format": {c.Format}, "count": {"true"}}
	if c.Raw {
		values.Set("raw", "true")
	}
	projects, err := auth.ParseProjects(c.Projects)
	if err != nil {
		return nil, fmt.Errorf("--projects: %w", err)
	}
	if !projects.All {
		values.Set("projectIds", c.Projects)
	}
	if c.PositionFile != "" {
		content, err := os.ReadFile(c.PositionFile)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("--position-file: %w", err)
		}
		c.UpdatedSince = strings.TrimSpace(string(content))
	}
	for name, value := range map[string]string{"from": c.From, "to": c.To, "updatedSince": c.UpdatedSince} {
		if value != "" {
			values.Set(name, value)
		}
	}
	for _, filter := range c.Filter {
		name, value, ok := strings.Cut(filter, "=")
		if !ok {
			return nil, errors.New("--filter: must be NAME=VALUE, e.g. answered=true")
		}
		values.Add(name, value)
	}
	return values, nil
}

// askExport begins an export. It retries while the API is busy, starting or unreachable.
func askExport(ctx context.Context, through *http.Client, address string, key auth.Key) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, backoff.Permanent(err)
	}
	request.Header.Set("X-Api-Id", key.ID)
	request.Header.Set("X-Api-Secret", key.Secret)
	response, err := through.Do(request)
	if err != nil || response.StatusCode == http.StatusOK {
		return response, err
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(response.Body, 4<<10)) // the status is sufficient
	err = fmt.Errorf("GET %s answered %s: %s", request.URL.Path, response.Status, client.Excerpt(text))
	switch response.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusBadGateway:
		return nil, client.Later(err, response.Header)
	}
	return nil, backoff.Permanent(err)
}

// rowCounter counts the rows that pass through it.
type rowCounter struct {
	progress *progress.Bar
	format   string
	header   bool // the header line is still to come
	quoted   bool // inside a CSV value, which may contain line breaks
}

// parquetRowBytes is the approximate size of a row in Parquet, whose rows cannot be counted in a stream.
const parquetRowBytes = 96

func newRowCounter(out io.Writer, table, format string, rows int64) *rowCounter {
	if format == "parquet" {
		return &rowCounter{progress: progress.New(out, table, "KiB", rows*parquetRowBytes>>10+1), format: format}
	}
	return &rowCounter{progress: progress.New(out, table, "rows", rows), format: format, header: format == "csv"}
}

// Write implements io.Writer.
func (c *rowCounter) Write(p []byte) (int, error) {
	if c.format == "parquet" {
		c.progress.Add((len(p) + 512) >> 10)
		return len(p), nil
	}
	rows := 0
	for _, b := range p {
		switch {
		case b == '"' && c.format == "csv":
			c.quoted = !c.quoted
		case b == '\n' && !c.quoted:
			rows++
		}
	}
	if c.header && rows > 0 {
		c.header = false
		rows--
	}
	c.progress.Add(rows)
	return len(p), nil
}
