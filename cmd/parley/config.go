package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// Config is every setting of every command, with its default. Field names make
// the flags; see the package comment for what else sets them.
type Config struct {
	Config    kong.ConfigFlag `help:"Read settings from this YAML or JSON file." placeholder:"FILE"`
	LogFormat string          `help:"Form of the log on standard error." enum:"text,json" default:"text"`
	LogLevel  string          `help:"Least severe level that is logged." enum:"debug,info,warn,error" default:"info"`

	Serve   serveCommand   `cmd:"" help:"Run every role, with embedded engines unless servers are named."`
	Ingest  ingestCommand  `cmd:"" help:"Run the HTTP edge alone."`
	Project projectCommand `cmd:"" help:"Run the projector alone."`
	Query   queryCommand   `cmd:"" help:"Run the GraphQL API alone."`

	Demo       demoCommand       `cmd:"" help:"Send a realistic, seeded stream of conversations to a running parley."`
	Import     importCommand     `cmd:"" help:"Bring events in from files, or history from a chat platform."`
	Export     exportCommand     `cmd:"" help:"Write out what parley has."`
	Replay     replayCommand     `cmd:"" help:"Rebuild the tables from the log beside the live ones, and swap."`
	Verify     verifyCommand     `cmd:"" help:"Compare the tables with what the log says."`
	Quarantine quarantineCommand `cmd:"" help:"Look after what was refused."`
	Log        logCommand        `cmd:"" help:"Look after a log whose files were damaged."`
	Erase      eraseCommand      `cmd:"" help:"Erase personal data from the log, the archive and the tables; the figures stay."`
	Explain    explainCommand    `cmd:"" help:"Say for every number of a conversation which events it came from."`
	User       userCommand       `cmd:"" help:"Look after users, who log in with e-mail and password."`
	Webhook    webhookCommand    `cmd:"" help:"Look after the addresses that chat platforms post to."`
	Hours      hoursCommand      `cmd:"" help:"Look after the opening hours that business hours are measured by."`
	Key        keyCommand        `cmd:"" help:"Look after keys, for programs."`
	Endpoints  endpointsCommand  `cmd:"" help:"Say where a running serve listens."`
	Doctor     doctorCommand     `cmd:"" help:"Check everything that parley needs and say what to do."`
	Version    versionCommand    `cmd:"" help:"Say which version this is."`
}

// app is what every command gets.
type app struct {
	ctx            context.Context // ends when the process is asked to stop
	log            *slog.Logger
	stdin          io.Reader
	stdout, stderr io.Writer
}

// dataDir is the flag that every command has which knows a data dir.
type dataDir struct {
	DataDir string `help:"Folder that holds everything (${default})." default:"./parley-data" placeholder:"DIR" type:"path"`
}

// span is a duration that may also be given in days: 30d, 1.5d.
type span time.Duration

// UnmarshalText reads 90s, 12h or 30d.
func (s *span) UnmarshalText(text []byte) error {
	var days float64
	if number, ok := strings.CutSuffix(string(text), "d"); ok {
		if _, err := fmt.Sscanf(number+" ", "%g ", &days); err != nil {
			return fmt.Errorf("%q is no duration: write 90s, 12h or 30d", text)
		}
		*s = span(days * 24 * float64(time.Hour))
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is no duration: write 90s, 12h or 30d", text)
	}
	*s = span(d)
	return nil
}

func newLogger(w io.Writer, format, level string) (*slog.Logger, error) {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log-level: %w", err)
	}
	options := &slog.HandlerOptions{Level: least}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(printableJSON{w}, options)), nil
	}
	return slog.New(slog.NewTextHandler(w, options)), nil
}
