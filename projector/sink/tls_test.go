package sink

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/projector"
)

// encrypted forwards connections with TLS to an address without, and returns its own address.
func encrypted(t *testing.T, to string, certificate tls.Certificate) string {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); listener.Close() })
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer from.Close()
				conn, err := new(net.Dialer).DialContext(ctx, "tcp", to)
				if err != nil {
					return
				}
				defer conn.Close()
				defer context.AfterFunc(ctx, func() { conn.Close(); from.Close() })()
				go func() { _, _ = io.Copy(conn, from); conn.Close() }()
				_, _ = io.Copy(from, conn)
			}()
		}
	}()
	return listener.Addr().String()
}

func TestTablesAreWrittenOverTLS(t *testing.T) {
	server := enginetest.ClickHouse(t)
	example := httptest.NewTLSServer(nil) // for its certificate
	defer example.Close()
	trusted := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	trusted.RootCAs.AddCert(example.Certificate())
	for name, url := range map[string]string{
		"HTTP":   "https://" + encrypted(t, server.Addr, example.TLS.Certificates[0]),
		"native": "clickhouse://" + encrypted(t, server.NativeAddr, example.TLS.Certificates[0]) + "?secure=true",
	} {
		t.Run(name, func(t *testing.T) {
			at := Server{URL: url, User: server.Writer.Name, Password: server.Writer.Password}
			if _, err := Dial(t.Context(), at); err == nil || !strings.Contains(err.Error(), "unknown authority") {
				t.Errorf("without the CA: %v", err)
			}
			at.TLS = trusted
			tables, err := Dial(t.Context(), at)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = tables.Close() })
			s := emptyOver(t, tables.Conn(), Options{})
			batch := played(3)
			if err := s.Write(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			if position, _, err := s.Position(t.Context(), projector.LogEvents); err != nil || position != batch.Position {
				t.Errorf("position %d of %d, %v", position, batch.Position, err)
			}
		})
	}
	if _, err := Dial(t.Context(), Server{URL: "http://" + server.Addr, TLS: trusted}); err == nil || !strings.Contains(err.Error(), "https://") {
		t.Errorf("a CA for an address without TLS: %v", err)
	}
}
