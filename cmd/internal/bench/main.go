package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded"
)

func main() {
	if embedded.IsChild() {
		embedded.ChildMain()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// settings are the options of a run.
type settings struct {
	events        int    // in the log of the lines a, c, d
	rounds        int    // of every figure
	lines         string // letters of the lines to measure, with commas
	conversations string // of the lines f, g, l, p, q and r, and messages of line o, with commas
	growth        int    // how many times the events for line i
	batch         int    // most events of a projector's batch; 0 is its default
	parley        string // binary for the lines that need a process of their own
	out           string // directory of bench.md and bench.json
	seed          uint64
	profile       string // where to write a profile of the processor time of the rounds; none when empty
	verbose       bool
	sustained     time.Duration
}

func (s *settings) wants(letter string) bool {
	return s.lines == "" || strings.Contains(","+s.lines+",", ","+letter+",")
}

func (s *settings) sizes() ([]int, error) {
	var sizes []int
	for _, field := range strings.Split(s.conversations, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(field))
		if err != nil || n < 1 {
			return nil, fmt.Errorf("-conversations: %q is not a number above 0", field)
		}
		sizes = append(sizes, n)
	}
	return sizes, nil
}

// run is the whole command; it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	s := settings{events: 200_000}
	if given, err := strconv.Atoi(os.Getenv("BENCH_EVENTS")); err == nil {
		s.events = given
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&s.events, "events", s.events, "events in the log; BENCH_EVENTS sets it too")
	flags.IntVar(&s.rounds, "rounds", 5, "rounds of every figure")
	flags.StringVar(&s.lines, "lines", "", "lines to measure, a to r with commas; all without it")
	flags.StringVar(&s.conversations, "conversations", "100000,1000000", "conversations of lines f, g, l, p, q and r, and messages of line o, with commas")
	flags.IntVar(&s.growth, "growth", 10, "how many times the events line i goes up to")
	flags.IntVar(&s.batch, "batch", 0, "most events of a batch; 0 is the projector's default")
	flags.DurationVar(&s.sustained, "sustained", time.Minute, "how long line n sends")
	flags.StringVar(&s.parley, "parley", ".build/parley", "the binary for lines h, i, j, m, n and o")
	flags.StringVar(&s.out, "out", ".build", "directory for bench.md and bench.json")
	flags.Uint64Var(&s.seed, "seed", 1, "seed of the events")
	flags.StringVar(&s.profile, "profile", "", "write a processor profile of the catch-ups of line c to this file")
	flags.BoolVar(&s.verbose, "v", false, "show what the engines and the projector log")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if s.events < 1000 || s.rounds < 1 || flags.NArg() > 0 {
		fmt.Fprintln(stderr, "bench: at least 1,000 events and one round; no arguments but flags")
		return 2
	}
	b := &bench{settings: s, report: newReport(s), progress: stderr, log: slog.New(slog.DiscardHandler)}
	if s.verbose {
		b.log = slog.New(slog.NewTextHandler(stderr, nil))
	}
	b.all(ctx)
	if err := b.report.write(s.out, stdout); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	if failed := b.report.failed(); failed > 0 {
		fmt.Fprintf(stderr, "bench: %d lines could not be measured\n", failed)
		return 1
	}
	return 0
}

// bench is one run.
type bench struct {
	settings
	report   *report
	progress io.Writer
	log      *slog.Logger
}

// all measures the lines one after the other; one that fails is named in the
// table, and the others continue.
func (b *bench) all(ctx context.Context) {
	for _, line := range []struct {
		letters string
		what    string
		measure func(context.Context) error
	}{
		{"a", "durable HTTP ingest", b.ingestBatches},
		{"b", "ingest of single events", b.ingestSingles},
		{"cd", "catch-up and replay", b.catchUp},
		{"e", "freshness", b.freshness},
		{"fglr", "GraphQL", b.pages},
		{"h", "bytes, memory and processor time", b.usage},
		{"i", "growth", b.grow},
		{"j", "ingest beside deep queries", b.besideQueries},
		{"k", "customers", b.customers},
		{"m", "readers of streams", b.streams},
		{"n", "end to end", b.throughput},
		{"o", "a long conversation", b.longConversation},
		{"pq", "figures of the past", b.past},
	} {
		var wanted []string
		for _, letter := range strings.Split(line.letters, "") {
			if b.wants(letter) {
				wanted = append(wanted, letter)
			}
		}
		if len(wanted) == 0 {
			continue
		}
		began := time.Now()
		fmt.Fprintf(b.progress, "%s %s …\n", strings.Join(wanted, ", "), line.what)
		if err := line.measure(ctx); err != nil {
			fmt.Fprintf(b.progress, "%s failed: %v\n", strings.Join(wanted, ", "), err)
			b.report.add(figure{Line: strings.Join(wanted, ", "), What: line.what, Failed: err.Error()})
		}
		fmt.Fprintf(b.progress, "%s took %s\n", strings.Join(wanted, ", "), time.Since(began).Round(time.Second))
	}
}
