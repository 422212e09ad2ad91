package projector

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what Prometheus sees of a projector.
type metrics struct {
	position    *prometheus.GaugeVec
	logEnd      *prometheus.GaugeVec
	lag         *prometheus.GaugeVec
	lagSeconds  *prometheus.GaugeVec
	batchEvents *prometheus.HistogramVec
	entries     *prometheus.CounterVec
	events      *prometheus.CounterVec
	duplicates  *prometheus.CounterVec
	quarantined *prometheus.CounterVec
	failures    *prometheus.CounterVec
	seconds     *prometheus.HistogramVec
	cacheBytes  prometheus.Gauge
	cacheHits   prometheus.Counter
	cacheMisses prometheus.Counter
	aside       prometheus.Gauge
	behind      prometheus.Gauge

	behindSeconds prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "parley", Subsystem: "projector", Name: name, Help: help}, []string{"log"})
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "parley", Subsystem: "projector", Name: name, Help: help}, append([]string{"log"}, labels...))
	}
	m := &metrics{
		position:   gauge("position", "Sequence up to which the log is in the tables."),
		logEnd:     gauge("log_end", "Sequence at which the log ends, when it was last read."),
		lag:        gauge("lag_events", "Events between the position and the end of the log, estimated by the latest batch."),
		lagSeconds: gauge("lag_seconds", "Age of the oldest entry of the log that is not in the tables; 0 when all are."),
		batchEvents: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "parley", Subsystem: "projector", Name: "batch_events",
			Help:    "Events of a batch that was written.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 9),
		}, []string{"log"}),
		entries:     counter("entries_total", "Entries of the log that were projected."),
		events:      counter("events_total", "Distinct valid events among them."),
		duplicates:  counter("duplicates_total", "Events dropped because one of the same key was there before."),
		quarantined: counter("quarantined_total", "Entries that went to quarantine.", "reason"),
		failures:    counter("failures_total", "Times the projection had to start again from the stored position, by class: transient (ClickHouse or the network), memory, unwritable (events went to quarantine), tables (altered), stalled (the log reader), foreign_log, other.", "class"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "parley", Subsystem: "projector", Name: "batch_seconds",
			Help:    "Time that a batch spent in a stage: gather, sort out, assemble, fold, write.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14),
		}, []string{"log", "stage"}),
		cacheBytes:  prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "parley", Subsystem: "projector", Name: "cache_bytes", Help: "Estimated size of the conversations kept in memory."}),
		cacheHits:   prometheus.NewCounter(prometheus.CounterOpts{Namespace: "parley", Subsystem: "projector", Name: "cache_hits_total", Help: "Conversations of batches that were in memory."}),
		cacheMisses: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "parley", Subsystem: "projector", Name: "cache_misses_total", Help: "Conversations of batches that had to be recalled, new ones included."}),
	}
	for _, log := range []string{LogEvents, LogRejected} {
		m.lagSeconds.WithLabelValues(log)
		for _, class := range failureClasses() {
			m.failures.WithLabelValues(log, class) // 0 is a figure, too
		}
	}
	m.aside = prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "parley", Subsystem: "projector", Name: "set_aside_conversations", Help: "Conversations set aside because ClickHouse cannot store their rows, mostly for lack of memory; parley quarantine list names them."})
	m.behind = prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "parley", Subsystem: "projector", Name: "behind_conversations", Help: "Large conversations whose rows are behind the position, because their events are folded beside those of others."})
	m.behindSeconds = prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "parley", Subsystem: "projector", Name: "behind_seconds", Help: "For how long the rows of such a conversation are behind, at most; 0 when none are."})
	return m, errors.Join(
		register(r, &m.position), register(r, &m.logEnd), register(r, &m.lag), register(r, &m.lagSeconds), register(r, &m.batchEvents), register(r, &m.entries), register(r, &m.events),
		register(r, &m.duplicates), register(r, &m.quarantined), register(r, &m.failures), register(r, &m.seconds),
		register(r, &m.cacheBytes), register(r, &m.cacheHits), register(r, &m.cacheMisses),
		register(r, &m.aside), register(r, &m.behind), register(r, &m.behindSeconds),
	)
}

// register makes a metric known, or takes the one that an earlier projector has.
func register[C prometheus.Collector](r prometheus.Registerer, metric *C) error {
	err := r.Register(*metric)
	if known, is := errors.AsType[prometheus.AlreadyRegisteredError](err); is {
		if same, is := known.ExistingCollector.(C); is {
			*metric, err = same, nil
		}
	}
	return err
}

// advance counts a batch that was written.
func (m *metrics) advance(l *loop, in *intake) {
	m.position.WithLabelValues(l.name).Set(float64(l.position))
	m.batchEvents.WithLabelValues(l.name).Observe(float64(len(in.events)))
	m.entries.WithLabelValues(l.name).Add(float64(in.entries - in.canaries))
	m.events.WithLabelValues(l.name).Add(float64(len(in.events)))
	m.duplicates.WithLabelValues(l.name).Add(float64(in.entries - in.canaries - len(in.events) - len(in.rejected)))
	for i := range in.rejected {
		m.quarantined.WithLabelValues(l.name, string(in.rejected[i].Reason)).Inc()
	}
	if l.name == LogEvents {
		m.cacheBytes.Set(float64(l.cache.bytes))
	}
}

// The classes of failures.
const (
	classTransient  = "transient"
	classMemory     = "memory"
	classUnwritable = "unwritable"
	classTables     = "tables"
	classStalled    = "stalled"
	classForeign    = "foreign_log"
	classOther      = "other"
)

func failureClasses() []string {
	return []string{classTransient, classMemory, classUnwritable, classTables, classStalled, classForeign, classOther}
}

// failureClass sorts the reason why a round has ended.
func failureClass(err error) string {
	var replaced *ReplacedError
	var temporary interface{ Temporary() bool }
	switch {
	case errors.Is(err, errRebuild):
		return classStalled
	case errors.Is(err, errUnwritable):
		return classUnwritable
	case errors.Is(err, errWrongTables):
		return classTables
	case errors.Is(err, errSetAside), tooLarge(err):
		return classMemory
	case errors.As(err, &replaced):
		return classForeign
	case errors.As(err, &temporary) && temporary.Temporary():
		return classTransient
	}
	return classOther
}
