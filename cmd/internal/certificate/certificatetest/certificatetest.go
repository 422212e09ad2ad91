// Package certificatetest makes certificates for tests.
package certificatetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority signs certificates.
type Authority struct {
	File string // its own certificate
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// Pair is the files of a certificate and its key.
type Pair struct{ Cert, Key string }

// New makes an authority.
func New(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{File: filepath.Join(t.TempDir(), "ca.pem")}
	template := template("the authority of "+t.Name(), time.Now().Add(time.Hour))
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	var der []byte
	a.key, der = sign(t, template, template, nil)
	var err error
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	write(t, a.File, "CERTIFICATE", der, 0o644)
	return a
}

// Issue makes a certificate for 127.0.0.1, localhost and clients, with an end.
func (a *Authority) Issue(t testing.TB, end time.Time) Pair {
	t.Helper()
	p := files(t)
	a.Renew(t, p, end)
	return p
}

// IssueFor makes a certificate for hosts, and clients, with an end.
func (a *Authority) IssueFor(t testing.TB, end time.Time, hosts ...string) Pair {
	t.Helper()
	p := files(t)
	a.renew(t, p, end, hosts...)
	return p
}

func files(t testing.TB) Pair {
	t.Helper()
	dir := t.TempDir()
	return Pair{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
}

// Renew replaces the files of a certificate for 127.0.0.1 and localhost.
func (a *Authority) Renew(t testing.TB, p Pair, end time.Time) {
	t.Helper()
	a.renew(t, p, end, "localhost", "127.0.0.1")
}

func (a *Authority) renew(t testing.TB, p Pair, end time.Time, hosts ...string) {
	t.Helper()
	template := template(hosts[0], end)
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	key, der := sign(t, template, a.cert, a.key)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, p.Key, "PRIVATE KEY", secret, 0o600)
	write(t, p.Cert, "CERTIFICATE", der, 0o644)
}

func template(name string, end time.Time) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62)) // never fails
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: end.Add(-90 * 24 * time.Hour), NotAfter: end,
	}
}

// sign makes a key and a certificate of it. Without a signer it signs itself.
func sign(t testing.TB, template, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if signer == nil {
		signer = key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	return key, der
}

func write(t testing.TB, path, kind string, der []byte, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path+".new", pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}
