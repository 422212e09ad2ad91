package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Soon is how long before its end a certificate is reported.
const Soon = 21 * 24 * time.Hour

// Flags name the certificate of the listeners of a process.
type Flags struct {
	TLSCert string `name:"tls-cert" help:"Certificate (PEM, with intermediates) of all listeners, which then speak TLS only. Read again when it changes." group:"TLS" type:"path" placeholder:"FILE"`
	TLSKey  string `name:"tls-key" help:"Private key (PEM, mode 600) of that certificate." group:"TLS" type:"path" placeholder:"FILE"`
}

// Load returns the certificate that the flags name; nil if they name none.
func (f *Flags) Load(log *slog.Logger) (*Pair, error) {
	return load(File{"--tls-cert", f.TLSCert}, File{"--tls-key", f.TLSKey}, log)
}

// Pair is a certificate with its private key. Safe for concurrent use.
type Pair struct {
	CertFile, KeyFile string

	log   *slog.Logger
	mu    sync.Mutex
	state watched[*tls.Certificate]
}

// load reads a pair; nil if no file is named.
func load(cert, key File, log *slog.Logger) (*Pair, error) {
	switch {
	case cert.Path == "" && key.Path == "":
		return nil, nil
	case key.Path == "":
		return nil, fmt.Errorf("%s needs %s", cert.Flag, key.Flag)
	case cert.Path == "":
		return nil, fmt.Errorf("%s needs %s", key.Flag, cert.Flag)
	}
	p := &Pair{CertFile: cert.Path, KeyFile: key.Path, log: log}
	p.state = watched[*tls.Certificate]{files: []File{cert, key}, make: func() (*tls.Certificate, error) { return read(cert, key) }}
	if err := p.state.load(); err != nil {
		return nil, err
	}
	p.warn()
	return p, nil
}

// read reads a certificate that is valid now.
func read(cert, key File) (*tls.Certificate, error) {
	certificate, err := cert.read()
	if err != nil {
		return nil, err
	}
	info, err := key.info()
	if err != nil {
		return nil, err
	}
	if err := Private(key.Path, info); err != nil {
		return nil, fmt.Errorf("%s: %w", key.Flag, err)
	}
	private, err := key.read()
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(certificate, private)
	if err != nil {
		return nil, fmt.Errorf("%s %s with %s %s: %w", cert.Flag, cert.Path, key.Flag, key.Path, err)
	}
	if err := Valid(pair.Leaf, time.Now()); err != nil {
		return nil, fmt.Errorf("%s: %s %w", cert.Flag, cert.Path, err)
	}
	return &pair, nil
}

// Valid reports whether a certificate is valid at a time.
func Valid(c *x509.Certificate, now time.Time) error {
	switch {
	case now.After(c.NotAfter):
		return fmt.Errorf("expired on %s: renew it", c.NotAfter.UTC().Format(time.DateTime))
	case now.Before(c.NotBefore):
		return fmt.Errorf("is not valid before %s: check the clock", c.NotBefore.UTC().Format(time.DateTime))
	}
	return nil
}

// Current returns the certificate that the files hold now, or the previous one if they hold none that can be used.
func (p *Pair) Current() *tls.Certificate {
	p.mu.Lock()
	defer p.mu.Unlock()
	renewed, err := p.state.renew()
	if err != nil {
		p.log.Error("the new certificate cannot be used, the previous one stays", "error", err)
	}
	if renewed {
		p.log.Info("the certificate was read again", "file", p.CertFile, "expires", p.state.value.Leaf.NotAfter)
		p.warn()
	}
	return p.state.value
}

// Expires returns the end of the current certificate.
func (p *Pair) Expires() time.Time { return p.Current().Leaf.NotAfter }

func (p *Pair) warn() {
	if end := p.state.value.Leaf.NotAfter; time.Until(end) < Soon {
		p.log.Warn("the certificate expires soon: renew it", "file", p.CertFile, "expires", end)
	}
}

// Listener returns the configuration of listeners with the certificate; nil without one.
func (p *Pair) Listener() *tls.Config {
	if p == nil {
		return nil
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.Current(), nil },
	}
}

// ListenerFor is [Pair.Listener] for clients that present a certificate signed by one of the CA certificates, or the
// certificate of the listener itself, as Parley's own commands do.
func (p *Pair) ListenerFor(ca File) (*tls.Config, error) {
	if p == nil {
		return nil, fmt.Errorf("%s needs --tls-cert and --tls-key", ca.Flag)
	}
	var mu sync.Mutex
	trusted := watched[*x509.CertPool]{files: []File{ca}, make: ca.authorities}
	if err := trusted.load(); err != nil {
		return nil, err
	}
	c := p.Listener()
	c.ClientAuth = tls.RequireAnyClientCert
	c.VerifyConnection = func(s tls.ConnectionState) error {
		presented := s.PeerCertificates[0]
		if presented.Equal(p.Current().Leaf) {
			return nil
		}
		mu.Lock()
		if _, err := trusted.renew(); err != nil {
			p.log.Error("the new CA certificates cannot be used, the previous ones stay", "error", err)
		}
		roots := trusted.value
		mu.Unlock()
		return verify(s, roots)
	}
	return c, nil
}

// Mutual is [Pair.ListenerFor] for servers that also connect to each other with their certificates: each requires of the other one
// that is signed by one of the CA certificates, for servers and for clients, and names its address.
func (p *Pair) Mutual(ca File) (*tls.Config, error) {
	c, err := p.ListenerFor(ca)
	if err != nil {
		return nil, err
	}
	if c.RootCAs, err = ca.authorities(); err != nil {
		return nil, err
	}
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return p.Current(), nil }
	return c, nil
}

// verify checks a client's certificate against CA certificates.
func verify(s tls.ConnectionState, roots *x509.CertPool) error {
	options := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	for _, c := range s.PeerCertificates[1:] {
		options.Intermediates.AddCert(c)
	}
	_, err := s.PeerCertificates[0].Verify(options)
	return err
}
