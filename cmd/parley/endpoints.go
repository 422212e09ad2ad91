package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/engines"
)

type endpointsCommand struct {
	engines.Folder
	JSON    bool   `help:"Print endpoints.json, including passwords."`
	Secrets bool   `help:"Show passwords."`
	For     string `name:"nats-role" help:"NATS user to print: publisher may only publish events; reader may read the event stream; operator may administer the streams (${default})." enum:"publisher,reader,operator" default:"publisher"`
}

// Run prints the addresses of the serve on the data dir. The page shows passwords only on request,
// because such pages get pasted into tickets. JSON is for programs.
func (c *endpointsCommand) Run(a *app) error {
	e, err := engines.Running(c.DataDir)
	if err != nil {
		return err
	}
	if err := e.UseNATSRole(c.DataDir, c.For); err != nil {
		return fmt.Errorf("--nats-role: %w", err)
	}
	if c.JSON {
		encoder := json.NewEncoder(a.stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(e)
	}
	return writeGuide(a.stdout, e, c.DataDir, c.Secrets, "")
}

//go:embed guide.tmpl
var guideText string

// writeGuide writes the page of addresses with an example query that can be
// pasted. An invitation makes the address of the dashboards a link that signs in.
func writeGuide(out io.Writer, e *engines.Endpoints, dir string, secrets bool, invitation string) error {
	guide, err := template.New("guide").Parse(guideText)
	if err != nil {
		return err
	}
	curl, base, err := curlOf(e)
	if err != nil {
		return err
	}
	shown := *e
	if !secrets {
		for _, password := range []*string{&shown.NATS.Password, &shown.ClickHouse.BI.Password, &shown.ClickHouse.Writer.Password} {
			*password = "(parley endpoints --secrets shows it)"
		}
	}
	today := time.Now().UTC().Truncate(24 * time.Hour)
	return guide.Execute(out, map[string]any{
		"At":         &shown,
		"Curl":       curl,
		"Base":       base,
		"Invitation": invitation,
		"Key":        shellQuoted(filepath.Join(dir, adminKeyName)),
		"Nodes":      "{conversation {id channel createdAt closedAt duration contactCount} satisfactionSurvey {customerSatisfaction}}",
		"From":       today.AddDate(0, 0, -7).Format(time.RFC3339),
		"To":         today.AddDate(0, 0, 1).Format(time.RFC3339),
	})
}

// shellQuoted quotes a word for a POSIX shell.
func shellQuoted(s string) string {
	plain := strings.IndexFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+:@%=", r)
	}) < 0
	if plain && s != "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
