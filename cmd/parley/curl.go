package main

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/parley-analytics/parley/cmd/internal/certificate"
	"github.com/parley-analytics/parley/cmd/internal/engines"
)

// curlOf returns the words that run curl against the HTTP listener of a serve on this machine, and the address before its paths. With TLS,
// curl accepts the certificate of serve alone. If the listener's host is none of the certificate's names, the address has one of those,
// and curl still connects to the listener.
func curlOf(e *engines.Endpoints) (command, address string, err error) {
	if e.TLS == nil {
		return "curl", e.HTTP, nil
	}
	own, err := certificate.File{Flag: "--tls-cert", Path: e.TLS.CertFile}.Leaf()
	if err != nil {
		return "", "", err
	}
	listener, err := url.Parse(e.HTTP)
	if err != nil {
		return "", "", fmt.Errorf("the address in %s: %w", engines.EndpointsFile, err)
	}
	command, address = "curl --cacert "+shellQuoted(e.TLS.CertFile), e.HTTP
	if own.VerifyHostname(listener.Hostname()) == nil {
		return command, address, nil
	}
	name := own.Subject.CommonName // for want of others, curl compares this one
	switch {
	case len(own.DNSNames) > 0:
		name = strings.Replace(own.DNSNames[0], "*", "parley", 1)
	case len(own.IPAddresses) > 0:
		if name = own.IPAddresses[0].String(); strings.Contains(name, ":") {
			name = "[" + name + "]"
		}
	}
	return command + " --connect-to ::" + shellQuoted(listener.Host), "https://" + name, nil
}
