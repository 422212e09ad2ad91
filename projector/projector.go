package projector

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-analytics/parley/schema"
)

// Config is what a projector is made of. Log, Sink and Archive are required.
type Config struct {
	Log      Log // the log of events
	Rejected Log // the log of what was refused at the edge; nil for none
	Sink     Sink
	Archive  Archive

	// A batch is written when it has so many entries, or so many bytes, or is so
	// old, or when no more entries arrive. Defaults: 40,000, 32 MiB, 250 ms.
	BatchEvents int
	BatchBytes  int
	BatchAge    time.Duration

	// CacheBytes bounds the histories of conversations kept in memory, as far as
	// it can be estimated. Default: 128 MiB.
	CacheBytes int

	// LongEvents is the most events of a conversation that are folded together at
	// each change; of a longer one the fold is continued. Default: 1,000.
	LongEvents int

	// StallAfter is how long the position may stay the same while the log is ahead
	// before the projector reports not ready and restarts the reader. Default: 30
	// s.
	StallAfter time.Duration

	// Advanced, if given, is called when everything up to a position in the log of
	// events is in the tables. While the rows of a large conversation are behind, complete is lower: it ends before the first event
	// that these rows lack.
	Advanced func(position, complete schema.Sequence)

	// Replaced, if given, is called when a log is found not to be the one that the tables
	// were made from, until it is that one again.
	Replaced func(ctx context.Context, err *ReplacedError)

	Logger     *slog.Logger          // default: logs nothing
	Registerer prometheus.Registerer // default: metrics are kept but not shown
	Clock      func() time.Time      // default: time.Now
}

// withDefaults fills in what is not set.
func (c Config) withDefaults() Config {
	if c.BatchEvents <= 0 {
		c.BatchEvents = 40_000
	}
	if c.BatchBytes <= 0 {
		c.BatchBytes = 32 << 20
	}
	if c.BatchAge <= 0 {
		c.BatchAge = 250 * time.Millisecond
	}
	if c.CacheBytes <= 0 {
		c.CacheBytes = 128 << 20
	}
	if c.LongEvents <= 0 {
		c.LongEvents = 1_000
	}
	if c.StallAfter <= 0 {
		c.StallAfter = 30 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Registerer == nil {
		c.Registerer = prometheus.NewRegistry()
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return c
}

// Projector keeps one projection up with its logs.
type Projector struct {
	events   *loop
	rejected *loop // nil without a log of rejections
}

// New makes a projector and registers its metrics. A later one with the same
// registerer continues the same metrics.
func New(config Config) (*Projector, error) {
	if config.Log == nil || config.Sink == nil || config.Archive == nil {
		return nil, errors.New("a projector needs a Log, a Sink and an Archive")
	}
	config = config.withDefaults()
	metrics, err := newMetrics(config.Registerer)
	if err != nil {
		return nil, err
	}
	writing := new(sync.Mutex)
	p := &Projector{events: newLoop(config, LogEvents, config.Log, judgeEvent, writing, metrics)}
	p.events.advanced = config.Advanced
	if config.Rejected != nil {
		p.rejected = newLoop(config, LogRejected, config.Rejected, judgeRejected, writing, metrics)
	}
	return p, nil
}

// Run projects until the context ends, and returns nil then. It does not return
// before: after a failure it waits, longer each time up to a few seconds, and
// resumes from the stored position. [Projector.Ready] reports what is wrong
// meanwhile.
func (p *Projector) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for _, l := range p.loops() {
		all.Go(func() { l.run(ctx) })
		all.Go(func() { l.watch(ctx) })
	}
	all.Wait()
	return nil
}

func (p *Projector) loops() []*loop {
	if p.rejected == nil {
		return []*loop{p.events}
	}
	return []*loop{p.events, p.rejected}
}

// Ready returns nil while events reach the tables, or would if there were any,
// and otherwise what is wrong.
func (p *Projector) Ready() error {
	var wrong []error
	for _, l := range p.loops() {
		wrong = append(wrong, l.state.ready())
	}
	return errors.Join(wrong...)
}

// Behind returns the conversations whose rows are behind the position: they have so many events that these are folded
// beside those of others, after a start, and after an event that is late. They do not make the projector unready.
func (p *Projector) Behind() []Behind { return p.events.state.behinds() }

// Aside returns the conversations that are set aside: ClickHouse lacks the memory for
// their rows, or rejects them. They do not make the projector unready.
func (p *Projector) Aside() []Aside { return p.events.state.asides() }

// Rejected returns the conversations whose rows were to be made again, for a repair or a release, and are rejected by
// ClickHouse. They are tried again, ever more rarely, and do not make the projector unready.
func (p *Projector) Rejected() []Rejected { return p.events.state.rejects() }

// Progress is how far a projector has come in the log of events.
type Progress struct {
	Position schema.Sequence // everything up to here is in the tables
	Last     schema.Sequence // the end of the log, as it was last seen
	MovedAt  time.Time       // when the position moved last; zero if it has not
	Density  float64         // events per sequence of the latest batch; 0 before the first
}

// Lag is about how many events are between the position and the end of the log, if the rest is like
// the latest batch. Before the first batch, a record counts as one event.
func (p Progress) Lag() uint64 {
	if p.Last <= p.Position {
		return 0
	}
	return max(1, uint64(float64(p.Last-p.Position)*max(p.Density, 1.0/schema.RecordEvents)))
}

// Progress returns how far the projector has come in the log of events.
func (p *Projector) Progress() Progress { return p.events.state.progress() }
