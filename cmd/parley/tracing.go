package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	"go.opentelemetry.io/otel/trace"
)

// tracingFlags configure where spans are sent.
type tracingFlags struct {
	OTLPEndpoint string `name:"otlp-endpoint" env:"PARLEY_OTLP_ENDPOINT,OTEL_EXPORTER_OTLP_ENDPOINT" help:"OTLP/HTTP collector for query traces (v1/traces is appended). The other OTEL_… variables are honored." group:"Tracing" placeholder:"URL"`
}

// start connects to the collector; nil without one. If the collector is down, spans are lost and nothing waits.
func (f *tracingFlags) start(ctx context.Context, n *node) (trace.TracerProvider, error) {
	if f.OTLPEndpoint == "" {
		return nil, nil
	}
	base, err := url.Parse(f.OTLPEndpoint)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, errors.New("--otlp-endpoint must be a URL such as http://localhost:4318")
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(base.JoinPath("v1", "traces").String()))
	if err != nil {
		return nil, fmt.Errorf("--otlp-endpoint: %w", err)
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(quietExporter{exporter, n.log}),
		sdktrace.WithResource(resource.NewSchemaless(semconv.ServiceName("parley"), semconv.ServiceVersion(version))),
	)
	n.OnStop("traces", func(ctx context.Context) error {
		if err := provider.Shutdown(ctx); err != nil {
			n.log.Warn("the last traces were not sent", "error", err)
		}
		return nil
	})
	return provider, nil
}

// quietExporter logs what the library would print to standard error.
type quietExporter struct {
	sdktrace.SpanExporter
	log *slog.Logger
}

// ExportSpans implements sdktrace.SpanExporter.
func (e quietExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := e.SpanExporter.ExportSpans(ctx, spans); err != nil {
		e.log.Warn("traces were not sent", "spans", len(spans), "error", err)
	}
	return nil
}
