package projector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/parley-analytics/parley/schema"
)

// errRebuild ends a round of the loop so that its reader is restarted.
var errRebuild = errors.New("the log reader is restarted")

// loop projects one log. One goroutine owns what is not said to be shared.
type loop struct {
	name     string
	gatherer gatherer
	sink     Sink
	archive  Archive
	logger   *slog.Logger
	metrics  *metrics
	stall    time.Duration
	long     int // events of a conversation from which on its fold is continued
	large    int // events of a conversation from which on they are not folded in a batch

	// writing is held while a batch is made and written: sink and archive are for
	// one goroutine, and two logs are projected into them.
	writing *sync.Mutex
	state   *state // shared with the watch and with those who ask

	position    schema.Sequence
	origin      Origin          // of the position
	began       schema.Sequence // the end of the log at the latest resume
	held        schema.Sequence // the highest version in the tables at the latest resume
	contested   int             // so many entries after the latest resume may be in batches that still arrive
	cache       *cache
	advanced    func(position, complete schema.Sequence) // nil: nobody asks
	replaced    func(context.Context, *ReplacedError)    // nil: nobody asks
	unwritable  map[schema.Sequence]*schema.Error
	quarantined map[eventName]bool // of events that are in quarantine as unwritable, while rows are ahead of the position
	refusals    int                // unwritable events, or conversations that are too large, since one could be written
	aside       map[schema.ConversationKey]Aside
	owing       map[schema.ConversationKey]*owing // those of aside whose rows are behind, and are being made
	making      *making                           // of one of them; nil for none
	made        chan *making
	beside      sync.WaitGroup
	delays      map[schema.ConversationKey]delay // of those whose rows could not be made again
}

func newLoop(c Config, name string, log Log, judge judge, writing *sync.Mutex, m *metrics) *loop {
	l := &loop{
		name:     name,
		gatherer: gatherer{log: log, judge: judge, size: c.BatchBytes, age: c.BatchAge, clock: c.Clock},
		sink:     c.Sink, archive: c.Archive, logger: c.Logger.With("log", name), metrics: m, stall: c.StallAfter,
		long: c.LongEvents, large: largeLongs * c.LongEvents, made: make(chan *making),
		writing: writing, state: newState(name, c.Clock), replaced: c.Replaced,
		cache: newCache(c.CacheBytes), unwritable: map[schema.Sequence]*schema.Error{},
	}
	l.gatherer.events.most = c.BatchEvents
	l.gatherer.events.now.Store(int64(c.BatchEvents))
	return l
}

// run projects until the context ends. A failure drops what is in flight and
// the cache, and begins again from the stored position.
func (l *loop) run(ctx context.Context) {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 100*time.Millisecond, 5*time.Second
	for {
		before := l.position
		err := l.project(ctx)
		if ctx.Err() != nil {
			return
		}
		l.metrics.failures.WithLabelValues(l.name, failureClass(err)).Inc()
		if !errors.Is(err, errUnwritable) && !errors.Is(err, errWrongTables) && !errors.Is(err, errSetAside) {
			l.gatherer.events.halve()
		}
		l.state.fail(err)
		l.logger.Warn("projection failed; resuming from the stored position", "position", l.position, "error", err)
		if l.position > before {
			pause.Reset()
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause.NextBackOff()):
		}
	}
}

// project runs until something fails: one goroutine gathers the next batch
// while this one writes.
func (l *loop) project(ctx context.Context) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	l.state.begin(end)
	if err := l.resume(ctx); err != nil {
		return cause(ctx, err)
	}

	gathered := make(chan *intake)
	failed := make(chan error, 1)
	go func() {
		defer close(gathered)
		failed <- l.gather(ctx, gathered)
	}()
	defer func() {
		end(nil)
		for range gathered { // until the gatherer has released the log
		}
		l.beside.Wait()
		l.gatherer.log.Close()
	}()
	looks := time.NewTicker(asideLook)
	defer looks.Stop()
	for {
		l.state.wait()
		l.makeNext(ctx)
		select {
		case in, more := <-gathered:
			if !more {
				return cause(ctx, <-failed)
			}
			l.state.work()
			if err := l.take(ctx, in); err != nil {
				return cause(ctx, err)
			}
		case m := <-l.made:
			l.state.work()
			if err := l.write(ctx, m); err != nil {
				return cause(ctx, err)
			}
		case <-looks.C:
			if l.name != LogEvents {
				continue
			}
			if err := l.takeBack(ctx); err != nil {
				return cause(ctx, err)
			}
		}
	}
}

// cause returns why the context was ended, where that is why the error came.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// gather hands over batch after batch from the position on.
func (l *loop) gather(ctx context.Context, gathered chan<- *intake) error {
	position := l.position
	for {
		in, err := l.gatherer.gather(ctx, position)
		if err != nil {
			return err
		}
		l.metrics.seconds.WithLabelValues(l.name, "gather").Observe(l.gatherer.clock().Sub(in.begun).Seconds())
		if err := l.hand(ctx, in, gathered); err != nil {
			return err
		}
		position = in.position
	}
}

// hand passes a batch to the writer. While the one before is being written, what
// arrives joins it: nothing would be written earlier in a batch of its own.
func (l *loop) hand(ctx context.Context, in *intake, gathered chan<- *intake) error {
	for l.gatherer.room(in) {
		select {
		case gathered <- in:
			return nil
		default:
		}
		if _, err := l.gatherer.more(ctx, in, linger); err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case gathered <- in:
		return nil
	}
}

// resume reads the stored position. Nothing is projected from a log that the tables were not made
// from.
func (l *loop) resume(ctx context.Context) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.cache.clear()
	position, held, err := l.sink.Position(ctx, l.name)
	if err != nil {
		return fmt.Errorf("read the position: %w", err)
	}
	last, err := l.gatherer.log.Last(ctx)
	if err != nil {
		return fmt.Errorf("read the end of the log: %w", err)
	}
	l.position, l.held = position, held
	l.contested = 0
	if position < last {
		l.contested = batchesUnderWay * l.gatherer.events.most
	}
	l.began = last
	if err := l.knowQuarantined(ctx); err != nil {
		return err
	}
	if err := l.recognise(ctx, position, held, last); err != nil {
		var replaced *ReplacedError
		if errors.As(err, &replaced) && l.replaced != nil {
			l.replaced(ctx, replaced)
		}
		return err
	}
	if err := l.knowOwing(ctx); err != nil {
		return err
	}
	l.state.resume(position, last)
	l.metrics.logEnd.WithLabelValues(l.name).Set(float64(last))
	l.metrics.position.WithLabelValues(l.name).Set(float64(position))
	l.logger.Info("projecting", "position", position, "last", last, "held", held)
	return nil
}

// isContested reports that batches with the next events have been written already, or may still
// arrive: see [Batch].
func (l *loop) isContested() bool {
	return l.position < l.held || l.contested > 0 && l.position < l.began
}

// batchesUnderWay bounds what another process, or this one before a failure, may
// have sent and not seen stored: one batch, of as many events as its settings say.
const batchesUnderWay = 5

// grace is how long a batch in hand may take when the context has ended: one
// that is done leaves nothing to clear up.
const grace = 5 * time.Second

// outlasting returns a context that ends some time after another.
func outlasting(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		ended := time.AfterFunc(by, cancel)
		context.AfterFunc(lasting, func() { ended.Stop() })
	})
	return lasting, func() { stop(); cancel() }
}

// take makes a batch of what was gathered, writes it, and advances.
func (l *loop) take(ctx context.Context, in *intake) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	ctx, done := outlasting(ctx, grace)
	defer done()
	begun := l.gatherer.clock()
	l.state.owe(in.oldest)
	lap := func(stage string) {
		now := l.gatherer.clock()
		l.metrics.seconds.WithLabelValues(l.name, stage).Observe(now.Sub(begun).Seconds())
		begun = now
	}
	if err := l.sortOut(ctx, in); err != nil {
		return err
	}
	lap("sort out")
	works, err := l.assemble(ctx, in)
	if err != nil {
		return err
	}
	lap("assemble")
	batch := &Batch{Log: l.name, Position: in.position, Origin: l.originOf(in), Contested: l.isContested(), Events: in.events, Quarantine: in.rejected, Withdrawn: in.withdrawn}
	var changing []*work
	for _, w := range works {
		if w.owes != nil {
			batch.Quarantine = append(batch.Quarantine, l.owed(w.owes))
		}
		if w.archived {
			continue
		}
		changing = append(changing, w)
	}
	foldAll(changing, l.long)
	for _, w := range changing {
		batch.Changes = append(batch.Changes, w.folded.change)
	}
	lap("fold")
	if err := l.sink.Write(ctx, batch); err != nil {
		return l.refused(ctx, in, works, err)
	}
	lap("write")
	for _, w := range works {
		if w.owes != nil {
			l.owe(w.owes)
		}
		if w.archived {
			l.note(w)
		} else {
			l.cache.put(w.key, w.folded.after)
		}
	}
	l.advance(in)
	return nil
}

// still is a batch that does not move the position.
func (l *loop) still() *Batch {
	return &Batch{Log: l.name, Position: l.position, Origin: l.origin}
}

// advance moves the position in memory, now that it is stored.
func (l *loop) advance(in *intake) {
	l.position, l.origin = in.position, l.originOf(in)
	l.contested -= in.entries
	if len(in.events) > 0 {
		l.refusals = 0
	}
	for sequence := range l.unwritable {
		if sequence <= l.position {
			delete(l.unwritable, sequence)
		}
	}
	l.gatherer.events.double()
	l.state.advance(l.position, in.entries, in.newest)
	if l.advanced != nil {
		l.advanced(l.position, l.complete())
	}
	l.metrics.advance(l, in)
}
