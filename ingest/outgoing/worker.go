package outgoing

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

const (
	// atOnce is the number of concurrent requests of a webhook.
	atOnce = 4
	// lookEvery is the interval between checks of the queue.
	lookEvery = 50 * time.Millisecond
	// batchEvents is the number of entries of the log read in one step.
	batchEvents = 1000
	readWait    = time.Second
	// stopGrace is how long a running request may take to end at a stop.
	stopGrace = 2 * time.Second
	// noteEvery is how often the position is stored when nothing was queued.
	noteEvery = 5 * time.Second
)

// worker sends one webhook.
type worker struct {
	*Sender
	hook   *Hook
	target *target

	mu     sync.Mutex
	chats  map[schema.ConversationID][]*Delivery // pending, in the order of sending
	busy   map[schema.ConversationID]bool
	failed []*Delivery   // oldest first
	freed  chan struct{} // limits concurrent requests
	sends  sync.WaitGroup
}

// work sends a webhook until stop is called, which waits for running requests.
func (s *Sender) work(ctx context.Context, hook *Hook) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	w := &worker{
		Sender: s, hook: hook, freed: make(chan struct{}, atOnce),
		chats: make(map[schema.ConversationID][]*Delivery), busy: make(map[schema.ConversationID]bool),
	}
	var parts sync.WaitGroup
	parts.Go(func() {
		err := s.retrying(ctx, "the queue", func() (err error) {
			if w.target, err = newTarget(hook); err != nil {
				return err
			}
			return w.load(ctx)
		})
		if err != nil {
			return
		}
		parts.Go(func() { w.follow(ctx) })
		parts.Go(func() { w.hear(ctx) })
		w.deliver(ctx)
	})
	return func() { cancel(); parts.Wait() }
}

// load reads the queue.
func (w *worker) load(ctx context.Context) error {
	queue, err := w.Registry.Queue(ctx, w.hook.ID)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range queue {
		if d := &queue[i]; d.Failed() {
			w.failed = append(w.failed, d)
		} else {
			w.insert(d)
		}
	}
	return nil
}

// insert adds a delivery in order to the pending ones of its conversation, unless it exists. Callers hold mu.
func (w *worker) insert(d *Delivery) {
	chat := w.chats[d.Conversation]
	if at, there := slices.BinarySearchFunc(chat, d, func(a, b *Delivery) int { return a.compare(b) }); !there {
		w.chats[d.Conversation] = slices.Insert(chat, at, d)
	}
}

// drop removes a pending delivery. Callers hold mu.
func (w *worker) drop(d *Delivery) {
	chat := slices.DeleteFunc(w.chats[d.Conversation], func(other *Delivery) bool { return other == d })
	if w.chats[d.Conversation] = chat; len(chat) == 0 {
		delete(w.chats, d.Conversation)
	}
}

func (w *worker) pending() (count int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, chat := range w.chats {
		count += len(chat)
	}
	return count
}

// follow queues occurrences in the log, from the position of the webhook on.
func (w *worker) follow(ctx context.Context) {
	var position, noted schema.Sequence
	var notedAt time.Time
	if w.retrying(ctx, "the position", func() (err error) {
		position, err = w.Registry.Position(ctx, w.hook.ID)
		return err
	}) != nil {
		return
	}
	var log Log
	defer func() {
		if log != nil {
			log.Close()
		}
	}()
	for ctx.Err() == nil {
		var touched []schema.ConversationKey
		upTo := position
		_ = w.retrying(ctx, "the log", func() (err error) {
			if log == nil {
				if log, err = w.Open(ctx); err != nil {
					return err
				}
			}
			entries, err := log.Read(ctx, position, batchEvents, readWait)
			if err != nil {
				log.Close()
				log = nil
				return err
			}
			if len(entries) > 0 {
				touched, upTo = w.touched(entries), entries[len(entries)-1].End()
			}
			return nil
		})
		if upTo == position || w.awaitRoom(ctx) != nil {
			continue
		}
		queued := 0
		if len(touched) > 0 && w.retrying(ctx, "the tables", func() (err error) {
			queued, err = w.queue(ctx, touched, position, upTo)
			return err
		}) != nil {
			return
		}
		position = upTo
		if queued == 0 && time.Since(notedAt) < noteEvery || position == noted {
			continue
		}
		if w.retrying(ctx, "the position", func() error { return w.Registry.put(ctx, positionPrefix+w.hook.ID, position) }) != nil {
			return
		}
		noted, notedAt = position, time.Now()
	}
}

// touched returns the conversations of the project that entries belong to.
func (w *worker) touched(entries []schema.Entry) []schema.ConversationKey {
	var keys []schema.ConversationKey
	seen := make(map[schema.ConversationKey]bool)
	for _, entry := range entries {
		event, refused := schema.Decode(entry.Payload, entry.ReceivedAt)
		key := event.ConversationKey()
		if refused == nil && event.Project == w.hook.Project && !event.Type.Profile() && !seen[key] {
			seen[key] = true
			keys = append(keys, key)
		}
	}
	return keys
}

// awaitRoom waits while the queue is full.
func (w *worker) awaitRoom(ctx context.Context) error {
	for w.pending() >= MaxPending {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lookEvery):
		}
	}
	return ctx.Err()
}

// queue stores the deliveries for conversations, once the tables have reached the position read in
// the log, and returns their number.
func (w *worker) queue(ctx context.Context, keys []schema.ConversationKey, after, upTo schema.Sequence) (count int, err error) {
	for {
		reached, err := w.Archive.Position(ctx)
		if err != nil {
			return 0, err
		}
		if reached >= upTo {
			break
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(lookEvery):
		}
	}
	found, err := w.Archive.Recall(ctx, keys)
	if err != nil {
		return 0, err
	}
	var deliveries []*Delivery
	for _, key := range keys {
		rows := fold.Of(found[key])
		if erased(found[key], &rows) {
			continue
		}
		all := occurrences(found[key], after, upTo)
		if slices.ContainsFunc(w.hook.Events, func(k Kind) bool { return !k.chat() }) {
			all = append(all, figuresBetween(&w.hook.Thresholds, found[key], after, upTo)...)
		}
		for _, o := range all {
			if slices.Contains(w.hook.Events, o.kind) {
				deliveries = append(deliveries, deliveryOf(w.hook, key.Conversation, o, w.Now()))
			}
		}
	}
	for _, d := range deliveries {
		if err := w.Registry.create(ctx, d); err != nil {
			return 0, err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range deliveries {
		w.insert(d)
	}
	return len(deliveries), nil
}

// hear receives retry requests of an operator.
func (w *worker) hear(ctx context.Context) {
	prefix := retryPrefix + w.hook.ID + "."
	err := w.Registry.bucket.Watch(ctx, prefix, func(key string, value []byte) {
		if value == nil {
			return
		}
		id := strings.TrimPrefix(key, prefix)
		d := w.again(id)
		_ = w.retrying(ctx, "the queue", func() error {
			if d != nil {
				if err := w.Registry.put(ctx, d.key(), d); err != nil {
					return err
				}
			}
			return w.Registry.bucket.Forget(ctx, key)
		})
	})
	if err != nil {
		w.Logger.Error("cannot receive retry requests for an outgoing webhook", "webhook", w.hook.ID, "error", err)
	}
}

// again makes a delivery due, unless it is being sent, and returns its present state.
func (w *worker) again(id string) *Delivery {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, d := range w.failed {
		if d.ID == id {
			w.failed = slices.Delete(w.failed, i, i+1)
			d.again(w.Now())
			w.insert(d)
			now := *d
			return &now
		}
	}
	for conversation, chat := range w.chats {
		for n, d := range chat {
			if d.ID == id && (n > 0 || !w.busy[conversation]) {
				d.again(w.Now())
				now := *d
				return &now
			}
		}
	}
	return nil
}

// deliver starts due attempts.
func (w *worker) deliver(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	defer w.sends.Wait()
	for {
		w.mu.Lock()
		now := w.Now()
		for conversation, chat := range w.chats {
			if len(w.busy) >= atOnce {
				break
			}
			if d := chat[0]; !w.busy[conversation] && !d.NextAt.After(now) {
				w.busy[conversation] = true
				w.sends.Go(func() { w.drain(ctx, d) })
			}
		}
		w.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-w.freed:
		}
	}
}

// drain attempts a delivery, and those of its conversation that are due after it.
func (w *worker) drain(ctx context.Context, d *Delivery) {
	for w.attempt(ctx, d) {
		w.mu.Lock()
		chat := w.chats[d.Conversation]
		if len(chat) == 0 || chat[0].NextAt.After(w.Now()) {
			w.mu.Unlock()
			break
		}
		d = chat[0]
		w.mu.Unlock()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.busy, d.Conversation)
	select {
	case w.freed <- struct{}{}:
	default:
	}
}

// attempt makes one attempt, and reports whether the delivery has left the queue.
func (w *worker) attempt(ctx context.Context, d *Delivery) bool {
	var body []byte
	if w.retrying(ctx, "the tables", func() (err error) { body, err = w.render(ctx, d); return err }) != nil {
		return false
	}
	if body == nil {
		return w.done(ctx, d, "erased")
	}
	sending, cancel := finishing(ctx)
	defer cancel()
	status, err := w.target.post(sending, d.ID, w.Now(), body)
	switch {
	case err == nil:
		return w.done(ctx, d, "delivered")
	case ctx.Err() != nil: // interrupted: it does not count
		return false
	}
	return w.missed(ctx, d, status, err)
}

// finishing ends stopGrace after ctx, so that a receiver with the request can still answer it and
// it is not sent again after the next start.
func finishing(ctx context.Context) (context.Context, context.CancelFunc) {
	later, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-later.Done():
		case <-time.After(stopGrace):
			cancel()
		}
	})
	return later, func() { stop(); cancel() }
}

// missed records a failed attempt, and reports whether it was the last one.
func (w *worker) missed(ctx context.Context, d *Delivery, status int, cause error) bool {
	w.mu.Lock()
	d.missed(status, cause, w.Now())
	now := *d
	var outdated *Delivery
	if d.Failed() {
		w.drop(d)
		w.failed = append(w.failed, d)
		if len(w.failed) > MaxFailed {
			outdated, w.failed = w.failed[0], w.failed[1:]
		}
	}
	w.mu.Unlock()
	outcome := "missed"
	if now.Failed() {
		outcome = "failed"
		w.Logger.Warn("delivery of an outgoing webhook failed", "webhook", d.Hook, "delivery", d.ID, "attempts", now.Attempts)
	}
	w.count(d, outcome)
	_ = w.retrying(ctx, "the queue", func() error {
		if outdated != nil {
			if err := w.Registry.bucket.Forget(ctx, outdated.key()); err != nil {
				return err
			}
		}
		return w.Registry.put(ctx, now.key(), &now)
	})
	if status == http.StatusGone {
		w.Logger.Warn("the receiver of an outgoing webhook answered 410 Gone; the webhook is paused", "webhook", w.hook.ID)
		_ = w.retrying(ctx, "the registry", func() error { return w.Registry.Pause(ctx, w.hook.ID, "410 Gone") })
		return false
	}
	return now.Failed()
}

// done removes a delivery from the queue. If that cannot be stored, it is delivered again after the next start.
func (w *worker) done(ctx context.Context, d *Delivery, outcome string) bool {
	w.count(d, outcome)
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), AnswerTimeout)
	defer cancel()
	_ = w.retrying(bounded, "the queue", func() error { return w.Registry.bucket.Forget(bounded, d.key()) })
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drop(d)
	return ctx.Err() == nil
}

// render makes the payload; nil if there is nothing to tell any more.
func (w *worker) render(ctx context.Context, d *Delivery) ([]byte, error) {
	records, err := w.recall(ctx, schema.ConversationKey{Project: w.hook.Project, Conversation: d.Conversation})
	if err != nil {
		return nil, err
	}
	rows := fold.Of(records)
	if !d.Event.chat() {
		return renderFigure(w.hook, d, records, &rows)
	}
	var customer *fold.Customer
	if visitor := visitorID(&rows); visitor != "" {
		subject := schema.ProfileSubject(w.hook.Project, schema.ProfileCustomer, visitor)
		profile, err := w.recall(ctx, schema.ConversationKey{Project: w.hook.Project, Conversation: subject})
		if err != nil {
			return nil, err
		}
		of := fold.Of(profile)
		customer = of.Customer
	}
	return render(d, records, &rows, customer)
}
