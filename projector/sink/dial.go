package sink

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/parley-analytics/parley/projector/tables"
)

// Server holds the address and the credentials of a ClickHouse server.
type Server struct {
	// URL is clickhouse://HOST:PORT or tcp://HOST:PORT for the native protocol,
	// http://HOST:PORT or https://HOST:PORT for HTTP. Parameters are those of
	// clickhouse-go (secure=true, dial_timeout=…); others are settings that go
	// with every statement. It names one server, because the tables are not replicated: an address behind which several
	// servers take turns would lead to tables of each.
	URL string
	// User and Password take precedence over those in the URL.
	User, Password string
	// TLS, if given, is used for addresses that are encrypted (https, or with secure=true), instead of the certificates that
	// the system trusts.
	TLS *tls.Config
	// Transport, if given, creates the transport of HTTP requests: see TransportFunc of clickhouse-go.
	Transport func(*http.Transport) (http.RoundTripper, error)
}

const (
	dialTimeout = 10 * time.Second
	// There is room for the inserts of several sinks at once; most connections are
	// closed again when idle.
	connections, idleConnections = 64, 12
	connectionLife               = time.Minute
	// insertTimeout is how long the native protocol waits for a sign of life.
	insertTimeout = 5 * time.Minute
)

// Dial connects and checks that the server answers.
func Dial(ctx context.Context, server Server) (*tables.Tables, error) {
	options, err := server.options()
	if err != nil {
		return nil, err
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		return nil, fmt.Errorf("clickhouse: %w", err)
	}
	if err := conn.Ping(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("clickhouse at %s: %w", options.Addr[0], passing(err))
	}
	if options.Protocol == clickhouse.HTTP {
		return tables.New(conn), nil
	}
	if conn, err = overNative(ctx, conn, options); err != nil {
		return nil, err
	}
	return tables.New(conn), nil
}

// authenticationFailed is ClickHouse's code for a wrong user or password.
const authenticationFailed = 516

// WrongCredentials reports whether the server refuses the user or the password of
// a [Dial]: then waiting does not help.
func WrongCredentials(err error) bool {
	var refused *clickhouse.Exception
	return errors.As(err, &refused) && refused.Code == authenticationFailed
}

func (s Server) options() (*clickhouse.Options, error) {
	address, err := url.Parse(s.URL)
	if err != nil {
		return nil, errors.New("clickhouse url: not a URL") // the cause would quote the password
	}
	switch address.Scheme {
	case "clickhouse", "tcp", "http":
	case "https":
		query := address.Query()
		query.Set("secure", "true")
		address.RawQuery = query.Encode()
	default:
		return nil, errors.New("clickhouse url: must begin with clickhouse://, tcp://, http:// or https://")
	}
	options, err := clickhouse.ParseDSN(address.String())
	if err != nil {
		return nil, fmt.Errorf("clickhouse url: %w", err)
	}
	if len(options.Addr) > 1 {
		return nil, fmt.Errorf("clickhouse url: must name one server, not %d: each would have tables of its own", len(options.Addr))
	}
	if s.User != "" {
		options.Auth.Username, options.Auth.Password = s.User, s.Password
	}
	switch {
	case s.TLS == nil:
	case options.TLS == nil:
		return nil, errors.New("clickhouse url: must begin with https://, or have the parameter secure=true, for a CA certificate")
	default:
		name := options.TLS.ServerName
		options.TLS = s.TLS.Clone()
		options.TLS.ServerName = name
	}
	options.TransportFunc = s.Transport
	options.Auth.Database = "" // every statement names its database
	options.MaxOpenConns, options.MaxIdleConns = connections, idleConnections
	options.ConnMaxLifetime = connectionLife
	if options.DialTimeout == 0 {
		options.DialTimeout = dialTimeout
	}
	if options.Compression == nil {
		options.Compression = &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
	}
	if options.Settings == nil {
		options.Settings = clickhouse.Settings{}
	}
	for name, value := range settings() {
		if _, given := options.Settings[name]; !given {
			options.Settings[name] = value
		}
	}
	return options, nil
}

// settings go with every statement unless the URL says otherwise.
func settings() clickhouse.Settings {
	return clickhouse.Settings{
		// An insert is on disk when it returns, not some time after.
		"async_insert": 0,
		// A block that equals an earlier one is written as well: in between, the row may have moved away and back.
		"insert_deduplicate": 0,
	}
}
