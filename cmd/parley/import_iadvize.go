package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/cmd/internal/progress"
	"github.com/parley-analytics/parley/ingest/iadvize"
	"github.com/parley-analytics/parley/ingest/importer"
	"github.com/parley-analytics/parley/query/auth"
	"github.com/parley-analytics/parley/schema"
)

type importIAdvize struct {
	engines.Folder
	URL          string        `name:"url" help:"Address of the API, without /graphql." required:"" placeholder:"URL"`
	User         string        `help:"User of the API (grant password); the password is read from --password-file or standard input." placeholder:"E"`
	PasswordFile string        `help:"File with the password of that user." type:"path" placeholder:"FILE"`
	UpstreamKey  string        `help:"File with the id and secret of a key of the API (grant client_credentials)." type:"path" placeholder:"FILE"`
	From         string        `help:"Earliest closing time (RFC 3339 or a date)." required:"" placeholder:"TIME"`
	To           string        `help:"Latest closing time, exclusive. Defaults to now." placeholder:"TIME"`
	Projects     string        `help:"Projects to read: 1,2 or all." default:"all" placeholder:"1,2|all"`
	Follow       bool          `help:"Keep importing newly closed conversations."`
	Every        time.Duration `help:"With --follow: polling interval." default:"1m"`
	Overlap      span          `help:"With --follow: time span re-read on each poll, for late sales and answers." default:"3d"`
	Page         int           `help:"Conversations per request, 1 to 100." default:"50"`
	Into         string        `help:"Address of the HTTP edge to import into. Defaults to that of the serve on --data-dir." placeholder:"URL"`
	KeyFile      string        `help:"File with the id and secret of a key with scope ingest. Defaults to the admin key of --data-dir." type:"path" placeholder:"FILE"`
}

// Run imports the interval and, with --follow, conversations that are closed later.
func (c *importIAdvize) Run(a *app) error {
	in, err := c.interval(time.Now())
	if err != nil {
		return err
	}
	api := &iadvize.Client{URL: c.URL}
	if api.Credentials, err = c.credentials(a); err != nil {
		return err
	}
	edge := edgeFlags{Folder: c.Folder, To: c.Into, KeyFile: c.KeyFile}
	to, err := edge.sender()
	if err != nil {
		return err
	}
	h := &iadvize.History{Client: api, Sender: to, Page: c.Page, Place: c.place()}
	h.Notice = func(text string) { fmt.Fprintln(a.stderr, printable(withoutSecrets(text))) }
	h.Rejected = func(code, message string) {
		fmt.Fprintf(a.stderr, "rejected: %s: %s\n", printable(code), printable(message))
	}
	if in, err = h.Resume(in, c.To != ""); err != nil {
		return err
	}
	complete := true
	for {
		shown := progress.New(a.stderr, "import", "conversations", 0)
		h.Progress = func(done, total int64) { shown.Reach(schema.Sequence(done), schema.Sequence(total)) }
		result, err := h.Run(a.ctx, in)
		if stopped := a.ctx.Err() != nil; stopped && c.Follow {
			return nil // the cursor is kept
		}
		shown.Finish()
		complete = printResult(a, &result) && complete
		if err != nil {
			return err
		}
		if !c.Follow {
			break
		}
		select {
		case <-a.ctx.Done():
			return nil
		case <-time.After(c.Every):
		}
		in.From, in.To = in.To.Add(-time.Duration(c.Overlap)), time.Now()
	}
	if !complete {
		return errReported
	}
	return nil
}

// printResult prints the result for an interval, and reports whether all of it was imported.
func printResult(a *app, r *iadvize.Result) bool {
	fmt.Fprintf(a.stdout, "%d conversations: %d accepted, %d duplicates, %d bad\n", r.Conversations, r.Accepted, r.Duplicates, r.Rejected)
	for _, fault := range r.Faults {
		fmt.Fprintf(a.stderr, "not imported: %s\n", printable(withoutSecrets(fault)))
	}
	if r.More > 0 {
		fmt.Fprintf(a.stderr, "not imported: %d more\n", r.More)
	}
	return r.Rejected == 0 && len(r.Faults) == 0
}

func (c *importIAdvize) interval(now time.Time) (in iadvize.Interval, err error) {
	if c.Page < 1 || c.Page > 100 {
		return in, errors.New("--page must be from 1 to 100")
	}
	if in.From, err = parseMoment("--from", c.From); err != nil {
		return in, err
	}
	if address, err := url.Parse(c.URL); err != nil || address.Scheme != "http" && address.Scheme != "https" || address.Host == "" || address.User != nil {
		return in, errors.New("--url must be an http or https address without credentials in it")
	}
	in.To = now
	if c.To != "" {
		if in.To, err = parseMoment("--to", c.To); err != nil {
			return in, err
		}
	}
	if !in.From.Before(in.To) {
		return in, errors.New("--from must be before --to")
	}
	projects, err := auth.ParseProjects(c.Projects)
	if err != nil {
		return in, fmt.Errorf("--projects: %w", err)
	}
	in.Projects = projects.IDs
	return in, nil
}

func parseMoment(flag, text string) (time.Time, error) {
	if at, err := schema.ParseMoment(text); err == nil {
		return at, nil
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day, nil
	}
	return time.Time{}, fmt.Errorf("%s must be a time such as 2026-01-31T08:00:00Z, or a day such as 2026-01-31", flag)
}

func (c *importIAdvize) credentials(a *app) (credentials iadvize.Credentials, err error) {
	if c.UpstreamKey != "" {
		key, err := readKey(c.UpstreamKey)
		if err != nil {
			return credentials, err
		}
		credentials.ID, credentials.Secret = key.ID, key.Secret
	}
	switch {
	case c.User == "" && c.UpstreamKey == "":
		return credentials, errors.New("credentials of the API are missing: give --user, or --upstream-key")
	case c.User != "" && c.PasswordFile != "":
		credentials.Password, err = engines.ReadPassword("--password-file", c.PasswordFile)
	case c.User != "":
		credentials.Password, err = readPassword(a.stdin, a.stderr)
	}
	credentials.User = c.User
	return credentials, err
}

// place returns the file that keeps the cursor: one for each API, interval and target.
func (c *importIAdvize) place() importer.File {
	name := sha256.Sum256([]byte(strings.Join([]string{c.URL, c.From, c.To, c.Projects, c.Into}, "\n")))
	file := "iadvize-" + hex.EncodeToString(name[:8]) + ".json"
	if _, err := os.Stat(c.DataDir); err == nil {
		file = filepath.Join(c.DataDir, "imports", file)
	}
	return importer.File(file)
}
