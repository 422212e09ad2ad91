package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/certificate"
	"github.com/parley-analytics/parley/cmd/internal/engines"
)

// inspection looks at what the settings of a service name: files and addresses. Faults do not stop it.
type inspection struct {
	faults   []error
	warnings []string
}

func (i *inspection) add(err error) {
	if err != nil {
		i.faults = append(i.faults, err)
	}
}

// service inspects everything that a service names.
func (i *inspection) service(ctx context.Context, config *Config, name string) {
	node, own := config.node(name), config.own(name)
	i.dataDir(node.DataDir)
	i.passwords(&node.Servers)
	i.certificates(node, own.NATSClientCA)
	i.listeners(ctx, name, node, own)
	i.servers(ctx, map[string]string{
		"--nats-url": node.NATSURL, "--clickhouse-url": node.ClickHouseURL,
		"--oidc-issuer": node.OIDCIssuer, "--otlp-endpoint": config.collector(name),
	})
}

// dataDir refuses a data dir that other users can enter, or that is no folder.
func (i *inspection) dataDir(dir string) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist): // it is created
	case err != nil:
		i.add(fmt.Errorf("--data-dir: %w", err))
	case !info.IsDir():
		i.add(fmt.Errorf("--data-dir: %s is not a directory", dir))
	case info.Mode().Perm()&0o077 != 0:
		i.add(fmt.Errorf("--data-dir: %s is accessible to other users (mode %o): run chmod 700", dir, info.Mode().Perm()))
	}
}

// passwords checks that the files of secrets can be read, by this user only, and are not empty.
func (i *inspection) passwords(s *engines.Servers) {
	for _, secret := range []struct{ flag, path string }{
		{"--nats-password-file", s.NATSPasswordFile},
		{"--nats-private-password-file", s.PrivatePasswordFile},
		{"--clickhouse-password-file", s.ClickHousePasswordFile},
		{"--clickhouse-reader-password-file", s.ReaderPasswordFile},
	} {
		if secret.path == "" {
			continue
		}
		password, err := engines.ReadPassword(secret.flag, secret.path)
		switch {
		case err != nil:
			i.add(err)
			continue
		case password == "":
			i.add(fmt.Errorf("%s: %s is empty", secret.flag, secret.path))
		}
		if info, err := os.Stat(secret.path); err == nil {
			if err := certificate.Private(secret.path, info); err != nil {
				i.add(fmt.Errorf("%s: %w", secret.flag, err))
			}
		}
	}
	if s.SecretKeyFile != "" {
		_, err := engines.ReadSecretKey(s.SecretKeyFile)
		i.add(err)
	}
}

// certificates checks the PEM files, and until when the certificates are valid.
func (i *inspection) certificates(node *nodeFlags, clientCA string) {
	pair, err := node.Flags.Load(slog.New(slog.DiscardHandler))
	i.add(err)
	if clientCA != "" && err == nil {
		_, err := pair.ListenerFor(certificate.File{Flag: "--nats-client-ca", Path: clientCA})
		i.add(err)
	}
	for prefix, c := range map[string]certificate.Connection{
		"nats": {CAFile: node.NATSCA, CertFile: node.NATSCert, KeyFile: node.NATSKey}, "clickhouse": {CAFile: node.ClickHouseCA},
	} {
		if (c.CertFile == "") != (c.KeyFile == "") {
			continue // reported as a conflict
		}
		_, err := c.Config(prefix)
		i.add(err)
	}
	for flag, path := range map[string]string{
		"--tls-cert": node.TLSCert, "--nats-client-ca": clientCA, "--nats-ca": node.NATSCA, "--nats-cert": node.NATSCert, "--clickhouse-ca": node.ClickHouseCA,
	} {
		leaf, err := certificate.File{Flag: flag, Path: path}.Leaf()
		if path == "" || err != nil {
			continue
		}
		if left := time.Until(leaf.NotAfter); left > 0 && left < certificate.Soon {
			i.warnings = append(i.warnings, fmt.Sprintf("%s: %s expires on %s: renew it", flag, path, leaf.NotAfter.UTC().Format(time.DateTime)))
		}
	}
}

// listeners checks that the addresses of the listeners are free. Those of a serve that runs on the data dir are taken by it.
func (i *inspection) listeners(ctx context.Context, name string, node *nodeFlags, own engines.Embedded) {
	if _, err := engines.Running(node.DataDir); err == nil && name == "serve" {
		i.warnings = append(i.warnings, fmt.Sprintf("addresses to listen on are not checked: serve is running on %s", node.DataDir))
		return
	}
	listeners := []struct{ flag, address string }{{"--listen", node.Listen}, {"--debug-listen", node.DebugListen}}
	if node.NATSURL == "" {
		listeners = append(listeners, struct{ flag, address string }{"--nats-listen", own.NATSListen})
	}
	if node.ClickHouseURL == "" {
		listeners = append(listeners, struct{ flag, address string }{"--clickhouse-http", own.ClickHouseHTTP})
	}
	for _, l := range listeners {
		if l.address != "" {
			i.add(listenable(ctx, l.flag, l.address))
		}
	}
}

func listenable(ctx context.Context, flag, address string) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s: address %s is already in use", flag, address)
	case err != nil:
		return fmt.Errorf("%s: cannot listen on %s: %w", flag, address, err)
	}
	return l.Close()
}

// servers checks, all at the same time, that addresses answer. Each flag may name several with commas, of which one must.
func (i *inspection) servers(ctx context.Context, addresses map[string]string) {
	var tasks sync.WaitGroup
	results := make(chan error, len(addresses))
	for flag, list := range addresses {
		if list != "" {
			tasks.Go(func() { results <- reachable(ctx, flag, strings.Split(list, ",")) })
		}
	}
	tasks.Wait()
	close(results)
	for err := range results {
		i.add(err)
	}
}

// dialTimeout bounds a connection that only shows that a server is there.
const dialTimeout = 3 * time.Second

func reachable(ctx context.Context, flag string, addresses []string) error {
	ports := map[string]string{"http": "80", "https": "443", "nats": "4222", "tls": "4222", "clickhouse": "9000", "tcp": "9000"}
	var last error
	for _, address := range addresses {
		u, err := url.Parse(strings.TrimSpace(address))
		if err != nil || u.Hostname() == "" || ports[u.Scheme] == "" {
			return fmt.Errorf("%s: must be an address such as http://HOST:PORT", flag) // the value may hold a password
		}
		port := u.Port()
		if port == "" {
			port = ports[u.Scheme]
		}
		host := net.JoinHostPort(u.Hostname(), port)
		conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", host)
		if err == nil {
			return conn.Close()
		}
		last = fmt.Errorf("%s: cannot reach %s: %w", flag, host, err)
	}
	return last
}

// collector returns where a service sends traces.
func (c *Config) collector(name string) string {
	switch name {
	case "serve":
		return c.Serve.OTLPEndpoint
	case "query":
		return c.Query.OTLPEndpoint
	}
	return ""
}
