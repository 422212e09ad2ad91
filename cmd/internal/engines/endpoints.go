package engines

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/parley-analytics/parley/cmd/internal/certificate"
	"github.com/parley-analytics/parley/deploy/embedded"
)

// Endpoints are the addresses and credentials of a running serve: the contents of endpoints.json.
type Endpoints struct {
	HTTP       string              `json:"http"`
	NATS       NATSEndpoint        `json:"nats"`
	ClickHouse ClickHouseEndpoints `json:"clickhouse"`
	PID        int                 `json:"pid"`
	// TLS says how commands on this machine recognise HTTP; nil without TLS.
	TLS *certificate.Connection `json:"tls,omitempty"`
}

// NATSEndpoint is where publishers connect.
type NATSEndpoint struct {
	URL      string `json:"url"`
	User     string `json:"user"`
	Password string `json:"password"`
}

// ClickHouseEndpoints are where dashboards connect, and Parley's own commands.
type ClickHouseEndpoints struct {
	HTTP     string        `json:"http"`
	Database string        `json:"database"`
	BI       embedded.User `json:"bi"`
	Writer   embedded.User `json:"writer"`
	// TLS says how commands on this machine connect.
	TLS *certificate.Connection `json:"tls,omitempty"`
}

// EndpointsFile is the name of their file in the data dir.
const EndpointsFile = "endpoints.json"

// ErrNotRunning is wrapped in the error of [Running] if no serve uses the data dir.
var ErrNotRunning = errors.New("no serve is running")

// Running returns the endpoints of the serve that runs on a data dir.
func Running(dir string) (*Endpoints, error) {
	content, err := os.ReadFile(filepath.Join(dir, EndpointsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w on %s: start one with `parley serve --data-dir %s`, or choose another --data-dir", ErrNotRunning, dir, dir)
	}
	if err != nil {
		return nil, err
	}
	var e Endpoints
	if err := json.Unmarshal(content, &e); err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", filepath.Join(dir, EndpointsFile), err)
	}
	if !alive(e.PID) {
		return nil, fmt.Errorf("%w on %s (process %d has ended): start one with `parley serve --data-dir %s`", ErrNotRunning, dir, e.PID, dir)
	}
	return &e, nil
}

// UseNATSRole replaces the NATS user by that of a role: publisher, reader or
// operator.
func (e *Endpoints) UseNATSRole(dir, role string) error {
	if role == "publisher" {
		return nil
	}
	credentials, err := embedded.LoadCredentials(dir)
	if err != nil {
		return err
	}
	if e.NATS.User != credentials.NATS.Publisher.Name {
		return errors.New("only the embedded NATS server has these users; ask the operator of --nats-url")
	}
	user := credentials.NATS.Reader
	if role == "operator" {
		user = credentials.NATS.Operator
	}
	e.NATS.User, e.NATS.Password = user.Name, user.Password
	return nil
}

func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return pid > 0 && (err == nil || errors.Is(err, syscall.EPERM))
}

// Announce writes the addresses and credentials of this process's engines into the data dir, and
// returns the public part; http is the address of the process.
func (e *Engines) Announce(dir, http string) (*Endpoints, error) {
	if err := e.writeLogAccess(dir); err != nil {
		return nil, err
	}
	where := &Endpoints{
		HTTP: http,
		NATS: NATSEndpoint{URL: e.Log.URL, User: e.publisher.Name, Password: e.publisher.Password},
		ClickHouse: ClickHouseEndpoints{
			HTTP: e.dashboards, Database: "parley", BI: e.bi,
			Writer: embedded.User{Name: e.Writer.User, Password: e.Writer.Password}, TLS: e.tablesTLS,
		},
		PID: os.Getpid(), TLS: e.own,
	}
	return where, where.Write(dir)
}

// Write replaces the file of the data dir.
func (e *Endpoints) Write(dir string) error {
	return WritePrivately(filepath.Join(dir, EndpointsFile), e)
}
