package ingest

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-analytics/parley/schema"
)

// metrics are the metrics of the edge.
type metrics struct {
	accepted   prometheus.Counter
	duplicates prometheus.Counter
	rejected   *prometheus.CounterVec
	requests   *prometheus.HistogramVec
	held       prometheus.Gauge

	events, refusals *appendMetrics
}

// appendMetrics are the metrics of one log.
type appendMetrics struct {
	seconds prometheus.Observer
	size    prometheus.Observer
	errors  prometheus.Counter
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	m := &metrics{
		accepted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "parley_ingest_events_accepted_total", Help: "Events newly appended to the log."}),
		duplicates: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "parley_ingest_events_duplicate_total", Help: "Events recognised as already in the log."}),
		rejected: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "parley_ingest_events_rejected_total", Help: "Events rejected, by error code."}, []string{"code"}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "parley_ingest_request_seconds", Help: "Time to answer POST /v1/events, by status.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 16)}, []string{"status"}),
		held: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "parley_ingest_held_bytes", Help: "Bytes of bodies being read or appended."}),
	}
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "parley_ingest_append_seconds", Help: "Time of an append, by log.",
		Buckets: prometheus.ExponentialBuckets(0.0002, 2, 18)}, []string{"log"})
	size := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "parley_ingest_append_events", Help: "Events of an append, by log.",
		Buckets: prometheus.ExponentialBuckets(1, 4, 8)}, []string{"log"})
	failed := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "parley_ingest_append_errors_total", Help: "Appends that failed, by log."}, []string{"log"})
	of := func(log string) *appendMetrics {
		return &appendMetrics{seconds.WithLabelValues(log), size.WithLabelValues(log), failed.WithLabelValues(log)}
	}
	m.events, m.refusals = of("events"), of("rejected")
	if registerer != nil {
		registerer.MustRegister(m.accepted, m.duplicates, m.rejected, m.requests, m.held, seconds, size, failed)
	}
	return m
}

func (m *appendMetrics) observe(events int, took time.Duration, err error) {
	m.seconds.Observe(took.Seconds())
	m.size.Observe(float64(events))
	if err != nil {
		m.errors.Inc()
	}
}

func (m *metrics) request(status int, took time.Duration) {
	m.requests.WithLabelValues(strconv.Itoa(status)).Observe(took.Seconds())
}

func (m *metrics) reject(code schema.Code, events int) {
	m.rejected.WithLabelValues(string(code)).Add(float64(events))
}
