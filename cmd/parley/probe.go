package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/certificate"
	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/ingest/client"
)

// probeCommand is a health check for containers, whose image has no shell and no HTTP client.
type probeCommand struct {
	URL     string        `arg:"" optional:"" help:"Address to check: an HTTP address that answers 200 when healthy, nats://HOST:PORT or tls://HOST:PORT (${default})." default:"http://127.0.0.1:8080/readyz"`
	TLSCert string        `name:"tls-cert" help:"Certificate (PEM) that the service must have, whatever its address. Defaults to one that is valid for the address." type:"path" placeholder:"FILE"`
	Timeout time.Duration `help:"Time after which the check fails." default:"5s"`
}

// Run fails unless the address answers as a healthy service does.
func (c *probeCommand) Run(a *app) error {
	u, err := url.Parse(c.URL)
	if err != nil {
		return errProbed
	}
	ctx, cancel := context.WithTimeout(a.ctx, c.Timeout)
	defer cancel()
	switch u.Scheme {
	case "http", "https":
		return c.probeHTTP(ctx)
	case "nats", "tls":
		return probeNATS(ctx, u.Host)
	}
	return errProbed
}

// errProbed does not repeat the address, which may hold a password.
var errProbed = errors.New("must be an address with http, https, nats or tls, e.g. nats://127.0.0.1:4222")

func (c *probeCommand) probeHTTP(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL, nil)
	if err != nil {
		return err
	}
	expected := certificate.Connection{CertFile: c.TLSCert, Same: c.TLSCert != ""}
	encrypted, err := expected.Config("tls")
	if err != nil {
		return err
	}
	response, err := (&http.Client{Transport: over(encrypted)}).Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", engines.WithoutCredentials(c.URL), response.Status, client.Excerpt(body))
	}
	return nil
}

// probeNATS reads the line with which a NATS server greets each connection.
func probeNATS(ctx context.Context, address string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	line, err := bufio.NewReader(io.LimitReader(conn, 64<<10)).ReadString('\n')
	if err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	if !strings.HasPrefix(line, "INFO ") {
		return fmt.Errorf("%s does not look like a NATS server", address)
	}
	return nil
}
