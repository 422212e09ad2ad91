package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/ingest/client"
	"github.com/parley-analytics/parley/query/agents"
	"github.com/parley-analytics/parley/query/auth"
)

// api is where a command sends requests, and with which key.
type api struct {
	address string // without a slash at its end
	key     auth.Key
	tls     *tls.Config // nil for certificates that the system trusts
}

// apiOf returns the API at an address. Defaults are the address of the serve on the data dir and its
// admin key.
func apiOf(dir, url, keyFile string) (*api, error) {
	found := &api{address: strings.TrimSuffix(url, "/")}
	if url == "" {
		e, err := engines.Running(dir)
		if err != nil {
			return nil, err
		}
		found.address = e.HTTP
		if found.tls, err = e.TLS.Config("tls"); err != nil {
			return nil, err
		}
	}
	if keyFile == "" {
		keyFile = filepath.Join(dir, adminKeyName)
	}
	var err error
	found.key, err = readKey(keyFile)
	return found, err
}

// http returns a client for requests with credentials: it does not follow redirects.
func (p *api) http() *http.Client {
	return &http.Client{Transport: over(p.tls), CheckRedirect: client.NoRedirect}
}

// over returns a transport like Go's default one, with a TLS configuration.
func over(config *tls.Config) http.RoundTripper {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = config
	return transport
}

// remote asks the API.
func (p *api) remote() agents.Remote {
	return agents.Remote{URL: p.address, ID: p.key.ID, Secret: p.key.Secret, HTTP: p.http()}
}

// sender sends events to the edge.
func (p *api) sender() *client.Client { return client.New(p.address, p.key.ID, p.key.Secret, p.tls) }

// readKey reads a key as `key add` prints it.
func readKey(path string) (auth.Key, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return auth.Key{}, fmt.Errorf("the key (--key-file): %w", err)
	}
	var key auth.Key
	if err := json.Unmarshal(content, &key); err != nil || key.ID == "" || key.Secret == "" {
		return auth.Key{}, fmt.Errorf("%s is not a key file: it must be {\"id\": …, \"secret\": …}, as `parley key add` prints it", path)
	}
	return key, nil
}
