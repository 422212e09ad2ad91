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

// Config holds every setting of every command, with its default. Flags are named after the fields;
// package settings describes what else sets them.
type Config struct {
	Config    kong.ConfigFlag `help:"Read settings from this YAML or JSON file." placeholder:"FILE"`
	LogFormat string          `help:"Log format." enum:"text,json" default:"text"`
	LogLevel  string          `help:"Minimum log level." enum:"debug,info,warn,error" default:"info"`

	Serve   serveCommand   `cmd:"" help:"Run all roles, with embedded engines unless servers are given."`
	Ingest  ingestCommand  `cmd:"" help:"Run only the HTTP edge."`
	Project projectCommand `cmd:"" help:"Run only the projector."`
	Query   queryCommand   `cmd:"" help:"Run only the GraphQL API."`
	Engine  engineCommand  `cmd:"" help:"Run one of the embedded engines alone."`

	Demo        demoCommand        `cmd:"" help:"Send a realistic, seeded stream of conversations to a running parley."`
	Import      importCommand      `cmd:"" help:"Import events from files, or history from a chat platform."`
	Export      exportCommand      `cmd:"" help:"Export tables or events."`
	Replay      replayCommand      `cmd:"" help:"Rebuild the tables from the log next to the live ones, then switch to them."`
	Verify      verifyCommand      `cmd:"" help:"Compare the tables with the log."`
	Quarantine  quarantineCommand  `cmd:"" help:"Inspect, replay or delete quarantined events."`
	Backup      backupCommand      `cmd:"" help:"Back up a running serve, and check backups."`
	Restore     restoreCommand     `cmd:"" help:"Make a new data directory of a backup."`
	Log         logCommand         `cmd:"" help:"Print the log, or check and repair a damaged one."`
	Erase       eraseCommand       `cmd:"" help:"Erase personal data from the log, the archive and the tables; the numbers stay."`
	Explain     explainCommand     `cmd:"" help:"Show which events each number of a conversation comes from."`
	User        userCommand        `cmd:"" help:"Manage users, who log in with e-mail and password."`
	Webhook     webhookCommand     `cmd:"" help:"Manage the addresses that chat platforms post to."`
	Hours       hoursCommand       `cmd:"" help:"Manage the opening hours used to measure business hours."`
	Report      reportCommand      `cmd:"" help:"Save GraphQL queries with their position, and check whether their answers have changed since."`
	Key         keyCommand         `cmd:"" help:"Manage keys for programs."`
	BIUser      biUserCommand      `cmd:"" name:"bi-user" help:"Manage ClickHouse users who see only some projects."`
	MCP         mcpCommand         `cmd:"" name:"mcp" help:"Serve AI agents with the Model Context Protocol on standard input and output."`
	Definitions definitionsCommand `cmd:"" help:"Export what each figure means, for other tools."`
	Endpoints   endpointsCommand   `cmd:"" help:"Print the addresses of a running serve."`
	Settings    configCommand      `cmd:"" name:"config" help:"Print or check settings."`
	Doctor      doctorCommand      `cmd:"" help:"Check everything that parley needs and suggest fixes."`
	Probe       probeCommand       `cmd:"" help:"Exit with 0 if a service answers: a health check for containers."`
	Version     versionCommand     `cmd:"" help:"Print the version."`
}

// app is passed to every command.
type app struct {
	ctx            context.Context // ends when the process is asked to stop
	log            *slog.Logger
	settingsFile   string // of --config
	stdin          io.Reader
	stdout, stderr io.Writer
}

// span is a duration that may also be given in days: 30d, 1.5d.
type span time.Duration

// UnmarshalText reads 90s, 12h or 30d.
func (s *span) UnmarshalText(text []byte) error {
	var days float64
	if number, ok := strings.CutSuffix(string(text), "d"); ok {
		if _, err := fmt.Sscanf(number+" ", "%g ", &days); err != nil {
			return fmt.Errorf("%q is not a duration: write 90s, 12h or 30d", text)
		}
		*s = span(days * 24 * float64(time.Hour))
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a duration: write 90s, 12h or 30d", text)
	}
	*s = span(d)
	return nil
}

// String writes whole days as 30d.
func (s span) String() string {
	const day = 24 * time.Hour
	if d := time.Duration(s); d >= day && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	return time.Duration(s).String()
}

func newLogger(w io.Writer, format, level string) (*slog.Logger, error) {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log-level: %w", err)
	}
	options := &slog.HandlerOptions{Level: least, ReplaceAttr: loggable}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(printableJSON{w}, options)), nil
	}
	return slog.New(slog.NewTextHandler(w, options)), nil
}
