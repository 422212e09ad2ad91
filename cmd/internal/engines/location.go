package engines

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/parley-analytics/parley/cmd/internal/certificate"
	"github.com/parley-analytics/parley/cmd/internal/crash"
	"github.com/parley-analytics/parley/deploy/embedded"
	"github.com/parley-analytics/parley/projector/sink"
)

// Folder is the flag of every command that uses a data dir.
type Folder struct {
	DataDir string `help:"Data directory (${default})." default:"./parley-data" placeholder:"DIR" type:"path"`
}

// Servers are the flags that name engines which run elsewhere. Passwords come from files, or from a
// URL in the environment, so that no process list shows them.
type Servers struct {
	NATSURL                string `name:"nats-url" help:"NATS server to use, nats://HOST:PORT, or tls:// to encrypt (several with commas)." group:"Servers" placeholder:"URL"`
	NATSUser               string `name:"nats-user" help:"User of the NATS server." group:"Servers" placeholder:"NAME"`
	NATSPasswordFile       string `name:"nats-password-file" help:"File with the password of that user." group:"Servers" type:"path" placeholder:"FILE"`
	NATSCA                 string `name:"nats-ca" help:"CA certificates (PEM) that the NATS server's certificate must be signed by. Defaults to those of the system." group:"Servers" type:"path" placeholder:"FILE"`
	NATSCert               string `name:"nats-cert" help:"Client certificate (PEM) for the NATS server. Read again when it changes." group:"Servers" type:"path" placeholder:"FILE"`
	NATSKey                string `name:"nats-key" help:"Private key (PEM, mode 600) of that certificate." group:"Servers" type:"path" placeholder:"FILE"`
	PrivateUser            string `name:"nats-private-user" help:"NATS user of a separate account for credentials, secrets and leases; defaults to the log's account." group:"Servers" placeholder:"NAME"`
	PrivatePasswordFile    string `name:"nats-private-password-file" help:"File with the password of that user." group:"Servers" type:"path" placeholder:"FILE"`
	NATSReplicas           int    `name:"nats-replicas" help:"Number of copies of every log and bucket in a NATS cluster, 1 to 5; 3 survive the loss of a server. 0 keeps what they have and makes new ones with one." group:"Servers" default:"0"`
	SecretKeyFile          string `name:"secret-key-file" help:"File (mode 600) with the key that seals secrets kept in NATS: 32 random bytes in base64, the same for every role. Defaults to secret.key in the data dir, which is created." group:"Servers" type:"path" placeholder:"FILE"`
	ClickHouseURL          string `name:"clickhouse-url" help:"ClickHouse server to use, http://HOST:PORT, https://HOST:PORT or clickhouse://HOST:PORT[?secure=true]." group:"Servers" placeholder:"URL"`
	ClickHouseUser         string `name:"clickhouse-user" help:"User that owns the tables." group:"Servers" placeholder:"NAME"`
	ClickHousePasswordFile string `name:"clickhouse-password-file" help:"File with the password of that user." group:"Servers" type:"path" placeholder:"FILE"`
	ClickHouseCA           string `name:"clickhouse-ca" help:"CA certificates (PEM) that the ClickHouse server's certificate must be signed by. Defaults to those of the system." group:"Servers" type:"path" placeholder:"FILE"`
	ReaderUser             string `name:"clickhouse-reader-user" help:"User for queries. Defaults to --clickhouse-user." group:"Servers" placeholder:"NAME"`
	ReaderPasswordFile     string `name:"clickhouse-reader-password-file" help:"File with the password of that user." group:"Servers" type:"path" placeholder:"FILE"`
}

// Location says where the engines are: the servers named, or else those of the serve on the data dir.
type Location struct {
	Folder
	Servers
}

// mostReplicas is how many copies of a stream NATS keeps at most.
const mostReplicas = 5

// Check refuses a user without its server, and a password without its user. It returns the first fault.
func (s *Servers) Check() error {
	for _, fault := range s.Faults() {
		return fault
	}
	return nil
}

// Faults returns all faults of [Servers.Check].
func (s *Servers) Faults() (faults []error) {
	copies := ""
	if s.NATSReplicas != 0 {
		copies = strconv.Itoa(s.NATSReplicas)
	}
	for _, c := range []struct{ given, flag, missing, needs string }{
		{s.NATSUser, "--nats-user", s.NATSURL, "--nats-url"},
		{s.NATSPasswordFile, "--nats-password-file", s.NATSUser, "--nats-user"},
		{s.NATSCA, "--nats-ca", s.NATSURL, "--nats-url"},
		{s.NATSCert, "--nats-cert", s.NATSURL, "--nats-url"},
		{s.NATSCert, "--nats-cert", s.NATSKey, "--nats-key"},
		{s.NATSKey, "--nats-key", s.NATSCert, "--nats-cert"},
		{s.ClickHouseCA, "--clickhouse-ca", s.ClickHouseURL, "--clickhouse-url"},
		{copies, "--nats-replicas", s.NATSURL, "--nats-url"},
		{s.PrivateUser, "--nats-private-user", s.NATSURL, "--nats-url"},
		{s.PrivatePasswordFile, "--nats-private-password-file", s.PrivateUser, "--nats-private-user"},
		{s.ClickHouseUser, "--clickhouse-user", s.ClickHouseURL, "--clickhouse-url"},
		{s.ClickHousePasswordFile, "--clickhouse-password-file", s.ClickHouseUser, "--clickhouse-user"},
		{s.ReaderUser, "--clickhouse-reader-user", s.ClickHouseURL, "--clickhouse-url"},
		{s.ReaderPasswordFile, "--clickhouse-reader-password-file", s.ReaderUser, "--clickhouse-reader-user"},
	} {
		if c.given != "" && c.missing == "" {
			faults = append(faults, fmt.Errorf("%s needs %s", c.flag, c.needs))
		}
	}
	if s.NATSReplicas < 0 || s.NATSReplicas > mostReplicas {
		faults = append(faults, fmt.Errorf("--nats-replicas must be 0 to %d", mostReplicas))
	}
	return faults
}

// FindLog returns the log that the flags name, or else that of the serve on the
// data dir; it does not look for the tables.
func (l *Location) FindLog() (*Engines, error) {
	e, err := l.named()
	if err != nil || l.NATSURL != "" {
		return e, err
	}
	if _, err := Running(l.DataDir); err != nil {
		return nil, err
	}
	e.Log, err = readLogAccess(l.DataDir)
	e.Log.Notes = l.notes()
	return e, err
}

// NotesFile is the file of the data dir that records which log was written, and its last sequence.
const NotesFile = "log-ledger.json"

func (l *Location) notes() string { return filepath.Join(l.DataDir, NotesFile) }

// Find returns the engines that the flags name, or else those of the serve on the
// data dir.
func (l *Location) Find() (*Engines, error) {
	e, err := l.FindLog()
	if err != nil || l.ClickHouseURL != "" {
		return e, err
	}
	running, err := Running(l.DataDir)
	if err != nil {
		return nil, err
	}
	e.Writer = serverOf(running.ClickHouse.HTTP, running.ClickHouse.Writer)
	if e.Writer.TLS, err = running.ClickHouse.TLS.Config("clickhouse"); err != nil {
		return nil, err
	}
	e.Reader = e.Writer
	if credentials, err := embedded.LoadCredentials(l.DataDir); err == nil && credentials.Writer == running.ClickHouse.Writer {
		e.Reader.User, e.Reader.Password = credentials.Reader.Name, credentials.Reader.Password
	}
	return e, nil
}

// named returns the engines that the flags name.
func (l *Location) named() (*Engines, error) {
	e := &Engines{}
	if err := l.Check(); err != nil {
		return nil, err
	}
	e.Log.Notes = l.notes()
	if l.NATSURL != "" {
		password, err := ReadPassword("--nats-password-file", l.NATSPasswordFile)
		if err != nil {
			return nil, err
		}
		private, err := ReadPassword("--nats-private-password-file", l.PrivatePasswordFile)
		if err != nil {
			return nil, err
		}
		if e.keyFile, e.Log.Secret, err = l.secretKey(); err != nil {
			return nil, err
		}
		e.Log.URL, e.Log.User, e.Log.Password, e.Log.Replicas = l.NATSURL, l.NATSUser, password, l.NATSReplicas
		e.Log.PrivateUser, e.Log.PrivatePassword = l.PrivateUser, private
		e.logTLS = &certificate.Connection{CAFile: l.NATSCA, CertFile: l.NATSCert, KeyFile: l.NATSKey}
		if e.Log.TLS, err = e.logTLS.Config("nats"); err != nil {
			return nil, err
		}
		e.Log.At = crash.Point("append")
	}
	if l.ClickHouseURL == "" {
		return e, nil
	}
	password, err := ReadPassword("--clickhouse-password-file", l.ClickHousePasswordFile)
	if err != nil {
		return nil, err
	}
	e.Writer = sink.Server{URL: l.ClickHouseURL, User: l.ClickHouseUser, Password: password}
	e.tablesTLS = &certificate.Connection{CAFile: l.ClickHouseCA}
	if e.Writer.TLS, err = e.tablesTLS.Config("clickhouse"); err != nil {
		return nil, err
	}
	e.Reader = e.Writer
	if l.ReaderUser != "" {
		if password, err = ReadPassword("--clickhouse-reader-password-file", l.ReaderPasswordFile); err != nil {
			return nil, err
		}
		e.Reader.User, e.Reader.Password = l.ReaderUser, password
	}
	e.dashboards = WithoutCredentials(l.ClickHouseURL)
	return e, nil
}

func serverOf(address string, user embedded.User) sink.Server {
	return sink.Server{URL: address, User: user.Name, Password: user.Password, Transport: embedded.Transport}
}

// ReadPassword reads the file that a flag names; with an empty path there is no
// password.
func ReadPassword(flag, path string) (string, error) {
	if path == "" {
		return "", nil
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s: %s does not exist", flag, path)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", flag, err)
	}
	return strings.TrimRight(string(content), "\r\n"), nil
}

// WithoutCredentials returns an address without its credentials, which may be printed.
func WithoutCredentials(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	parameters := url.Values{}
	if u.Query().Has("secure") { // not a secret, and without it the address is another one
		parameters.Set("secure", u.Query().Get("secure"))
	}
	u.User, u.RawQuery = nil, parameters.Encode()
	return u.String()
}
