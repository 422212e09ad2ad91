package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/parley-analytics/parley/ingest/client"
	"github.com/parley-analytics/parley/ingest/iadvize"
	"github.com/parley-analytics/parley/query/auth"
	"github.com/parley-analytics/parley/schema"
)

type importIAdvize struct {
	dataDir
	URL          string        `name:"url" help:"Address of the API, without /graphql." required:"" placeholder:"URL"`
	User         string        `help:"User of the API (grant password); the password is read from --password-file or standard input." placeholder:"E"`
	PasswordFile string        `help:"File with the password of that user." type:"path" placeholder:"FILE"`
	UpstreamKey  string        `help:"File with the id and secret of a key of the API (grant client_credentials)." type:"path" placeholder:"FILE"`
	From         string        `help:"First closing time (RFC 3339, or a day)." required:"" placeholder:"TIME"`
	To           string        `help:"First closing time that is not imported any more; now unless given." placeholder:"TIME"`
	Projects     string        `help:"Projects to read: 1,2 or all." default:"all" placeholder:"1,2|all"`
	Follow       bool          `help:"Go on with what is closed from then on."`
	Every        time.Duration `help:"With --follow: time between two reads." default:"1m"`
	Overlap      span          `help:"With --follow: the last time that is read again each time, for late sales and answers." default:"3d"`
	Page         int           `help:"Conversations of one request, 1 to 100." default:"50"`
	Into         string        `help:"Address of the HTTP edge to import into; that of the serve on --data-dir unless given." placeholder:"URL"`
	KeyFile      string        `help:"File with the id and secret of a key with scope ingest there; the admin key of --data-dir unless given." type:"path" placeholder:"FILE"`
}

// Run reads pages and sends their events, page by page.
func (c *importIAdvize) Run(a *app) error {
	in, err := c.interval(time.Now())
	if err != nil {
		return err
	}
	client := &iadvize.Client{URL: c.URL, HTTP: &http.Client{Timeout: 2 * time.Minute}, GiveUp: client.GiveUpAfter}
	if client.Credentials, err = c.credentials(a); err != nil {
		return err
	}
	edge := edgeFlags{dataDir: c.dataDir, To: c.Into, KeyFile: c.KeyFile}
	to, err := edge.sender()
	if err != nil {
		return err
	}
	h := &historyImport{app: a, client: client, sender: to, page: c.Page, path: c.cursorPath()}
	if err := h.load(&in, c.To != ""); err != nil {
		return err
	}
	for {
		err := h.run(in)
		if c.Follow && stopped(a.ctx) {
			return nil // the cursor is kept
		}
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
		h.state = historyState{From: in.From, To: in.To}
	}
	if h.bad > 0 {
		return errReported
	}
	return nil
}

func (c *importIAdvize) interval(now time.Time) (in iadvize.Interval, err error) {
	if c.Page < 1 || c.Page > 100 {
		return in, errors.New("--page must be from 1 to 100")
	}
	if in.From, err = parseMoment("--from", c.From); err != nil {
		return in, err
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
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
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
		credentials.Password, err = passwordFile("--password-file", c.PasswordFile)
	case c.User != "":
		credentials.Password, err = readPassword(a.stdin, a.stderr)
	}
	credentials.User = c.User
	return credentials, err
}

// cursorPath is where the place in the history is kept: one for each API,
// interval and target.
func (c *importIAdvize) cursorPath() string {
	name := sha256.Sum256([]byte(strings.Join([]string{c.URL, c.From, c.To, c.Projects, c.Into}, "\n")))
	file := "iadvize-" + hex.EncodeToString(name[:8]) + ".json"
	if _, err := os.Stat(c.DataDir); err != nil {
		return file // in the current folder
	}
	return filepath.Join(c.DataDir, "imports", file)
}

// historyState is the place in the history.
type historyState struct {
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	After string    `json:"after,omitempty"` // cursor of the last page that was sent
	Done  int64     `json:"done"`            // conversations
}

// historyImport brings one interval in.
type historyImport struct {
	*app
	client *iadvize.Client
	sender *client.Client
	page   int
	path   string
	state  historyState
	bad    int64
	told   bool // what the API lacks has been said
}

// load goes on with an interval that was broken off.
func (h *historyImport) load(in *iadvize.Interval, fixed bool) error {
	h.state = historyState{From: in.From, To: in.To}
	content, err := os.ReadFile(h.path)
	if errors.Is(err, fs.ErrNotExist) {
		return os.MkdirAll(filepath.Dir(h.path), 0o700)
	}
	if err != nil {
		return err
	}
	var before historyState
	if readable := json.Unmarshal(content, &before) == nil; !readable || fixed && (!before.From.Equal(in.From) || !before.To.Equal(in.To)) {
		return nil
	}
	// Without --to the interval is that of the run that was broken off.
	h.state, in.From, in.To = before, before.From, before.To
	fmt.Fprintf(h.stderr, "going on after %d conversations closed from %s on\n", before.Done, before.From.Format(time.RFC3339))
	return nil
}

func (h *historyImport) run(in iadvize.Interval) error {
	shown := newProgress(h.stderr, "import", "conversations", 0)
	var accepted, duplicates int64
	for {
		page, err := h.client.Read(h.ctx, in, h.state.After, h.page)
		if errors.Is(err, iadvize.ErrCursor) {
			fmt.Fprintln(h.stderr, "the API does not take the cursor any more: beginning again, which changes nothing that is there")
			h.state.After, h.state.Done = "", 0
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", h.client.URL, err)
		}
		if missing := h.client.Missing(); !h.told && len(missing) > 0 {
			fmt.Fprintf(h.stderr, "the API does not have, or does not tell of, what these would bring: %s\n", strings.Join(missing, ", "))
		}
		h.told = true
		b := &client.Batch{}
		read := time.Now()
		flush := func() error {
			if b.Events() == 0 {
				return nil
			}
			answer, err := h.sender.Send(h.ctx, b)
			if err != nil {
				return err
			}
			accepted, duplicates = accepted+int64(answer.Accepted), duplicates+int64(answer.Duplicates)
			for _, r := range answer.Rejected {
				h.bad++
				fmt.Fprintf(h.stderr, "rejected: %s: %s\n", r.Code, r.Message)
			}
			b = &client.Batch{}
			return nil
		}
		for i := range page.Conversations {
			for _, event := range page.Conversations[i].Events(read) {
				if b.Events() == schema.MaxRequestEvents || len(b.Body())+len(event) > client.MaxBody {
					if err := flush(); err != nil {
						return err
					}
				}
				b.Add(event)
			}
		}
		if err := flush(); err != nil {
			return err
		}
		h.state.Done += int64(len(page.Conversations))
		shown.reach(schema.Sequence(h.state.Done), schema.Sequence(max(page.Total, h.state.Done)))
		if !page.More {
			break
		}
		h.state.After = page.End
		if err := writePrivately(h.path, h.state); err != nil {
			return err
		}
	}
	shown.finish()
	fmt.Fprintf(h.stdout, "%d conversations: %d accepted, %d duplicates, %d bad\n", h.state.Done, accepted, duplicates, h.bad)
	if err := os.Remove(h.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// stopped tells that the process is asked to stop.
func stopped(ctx context.Context) bool { return ctx.Err() != nil }
