package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/parley-analytics/parley/cmd/internal/memory"
	"github.com/parley-analytics/parley/cmd/internal/settings"
	"github.com/parley-analytics/parley/deploy/embedded"
)

// Exit codes. A command that ran and found something wrong (doctor) exits with
// exitFailed too.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	if embedded.IsChild() {
		embedded.ChildMain()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the process at once
	memory.SetLimit(memory.Default)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run executes a command line and returns the exit code. The end of ctx is a request to stop cleanly.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var config Config
	exited := -1
	parser, err := newParser(&config, kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }))
	if err != nil {
		printFailure(stderr, err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		return refused(&app{ctx: ctx, stdout: stdout, stderr: stderr}, err)
	}
	log, err := newLogger(stderr, config.LogFormat, config.LogLevel)
	if err != nil {
		printFailure(stderr, err)
		return exitUsage
	}
	err = command.Run(&app{ctx: ctx, log: log, settingsFile: string(config.Config), stdin: stdin, stdout: stdout, stderr: stderr})
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errReported):
		return exitFailed
	default:
		printFailure(stderr, err)
		return exitFailed
	}
}

// refused prints why a command line cannot be used. Faults of a settings file are printed as by config check.
func refused(a *app, err error) int {
	var parse *kong.ParseError
	var file *settings.FileError
	if errors.As(err, &parse) && errors.As(err, &file) {
		if command := parse.Context.Selected(); command != nil && command.Path() == "config check" {
			if err := checkFaulty(a, file, parse.Context.Args); !errors.Is(err, errReported) {
				printFailure(a.stderr, err)
			}
			return exitFailed
		}
	}
	printFailure(a.stderr, err)
	return exitUsage
}

// printFailure prints why the command ends, on one line.
func printFailure(stderr io.Writer, err error) {
	fmt.Fprintf(stderr, "parley: %s\n", reason(err))
}

// newParser reads the command line into config.
func newParser(config *Config, options ...kong.Option) (*settings.Parser, error) {
	return settings.NewParser(config, append(options,
		kong.Name("parley"),
		kong.Description("Event-sourced conversation analytics: events in over HTTP, contacts and conversations out over GraphQL and SQL."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true}),
	)...)
}

// errReported ends a command that has already printed what is wrong.
var errReported = errors.New("reported")
