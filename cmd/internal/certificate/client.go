package certificate

import (
	"crypto/tls"
	"fmt"
	"log/slog"
)

// Connection names the files with which a client connects to a server.
type Connection struct {
	CAFile   string `json:"caFile,omitempty"`   // CA certificates to trust; empty for those of the system
	CertFile string `json:"certFile,omitempty"` // the certificate that the client presents, if any
	KeyFile  string `json:"keyFile,omitempty"`
	Same     bool   `json:"same,omitempty"` // the server must have CertFile itself, under any address; the client presents it if it has the key
}

// Config returns the configuration of the connection, nil if it names no files. Errors name the flags --PREFIX-ca, -cert and -key.
func (c *Connection) Config(prefix string) (*tls.Config, error) {
	switch {
	case c == nil || *c == Connection{}:
		return nil, nil
	case c.Same:
		return c.same(), nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CAFile != "" {
		var err error
		if config.RootCAs, err = (File{"--" + prefix + "-ca", c.CAFile}).authorities(); err != nil {
			return nil, err
		}
	}
	pair, err := load(File{"--" + prefix + "-cert", c.CertFile}, File{"--" + prefix + "-key", c.KeyFile}, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	if pair != nil {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair.Current(), nil }
	}
	return config, nil
}

// same is the configuration of a client on the same machine, whose address is in no certificate.
func (c *Connection) same() *tls.Config {
	config := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // replaced by a stricter check, of the whole certificate
		VerifyConnection: func(s tls.ConnectionState) error {
			own, err := File{"the certificate of serve", c.CertFile}.Leaf()
			if err != nil {
				return err
			}
			if !own.Equal(s.PeerCertificates[0]) {
				return fmt.Errorf("the server has another certificate than %s", c.CertFile)
			}
			return nil
		},
	}
	if c.KeyFile != "" {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
			return &pair, err
		}
	}
	return config
}
