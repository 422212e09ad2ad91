package enginetest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/parley-analytics/parley/deploy/embedded"
)

const (
	natsURLEnv       = "PARLEY_TEST_NATS_URL"
	clickHouseURLEnv = "PARLEY_TEST_CLICKHOUSE_URL"

	clickHouseNativeEnv = "PARLEY_TEST_CLICKHOUSE_NATIVE"

	startTimeout = time.Minute
	stopTimeout  = 30 * time.Second
)

// run is what the tests of this binary share.
var run struct {
	sync.Mutex
	main       bool   // Main has been called
	dir        string // of the shared ClickHouse
	server     *embedded.ClickHouse
	clickHouse *ClickHouseServer
	failed     error // why the shared ClickHouse did not start
	natsRan    map[string]bool
}

// Main is the whole of a TestMain: it runs the tests, stops what they started and prints which engines ran. In the process that is
// the ClickHouse it runs that and nothing else. It does not return.
func Main(m *testing.M) {
	if embedded.IsChild() {
		embedded.ChildMain()
	}
	run.main = true
	code := m.Run()
	if err := stop(); err != nil {
		fmt.Fprintln(os.Stderr, "enginetest:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// stop ends the shared ClickHouse and prints which engines ran.
func stop() error {
	run.Lock()
	defer run.Unlock()
	var engines []string
	for engine := range run.natsRan {
		engines = append(engines, engine)
	}
	if run.clickHouse != nil {
		engines = append(engines, run.clickHouse.engine)
	}
	if len(engines) > 0 {
		fmt.Println("engines:", strings.Join(engines, ", "))
	}
	if run.server == nil {
		return nil
	}
	// ClickHouse waits up to 5 seconds for open connections.
	http.DefaultClient.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	err := run.server.Shutdown(ctx)
	if removed := os.RemoveAll(run.dir); err == nil {
		err = removed
	}
	return err
}

// NATSServer is a NATS server for one test.
type NATSServer struct {
	// URL is the address without credentials.
	URL, User, Password string
	// Users are all users; only Log, which is User, where the server is not in this process.
	Users embedded.NATSUsers
	// InProcess connects without a socket; nil when the server is not in this process.
	InProcess nats.InProcessConnProvider
	// Dir holds the streams; empty when the server is not in this process.
	Dir string

	server *embedded.NATS
	config embedded.NATSConfig
}

// Options are what a client connects with, in process when that is possible:
//
//	nc, err := nats.Connect(server.URL, server.Options()...)
func (s *NATSServer) Options() []nats.Option {
	options := []nats.Option{nats.UserInfo(s.User, s.Password)}
	if s.InProcess != nil {
		options = append(options, nats.InProcessServer(s.InProcess))
	}
	return options
}

// Restart stops the server and starts it again on the same data and address. Connections reconnect, those in process too.
func (s *NATSServer) Restart(t testing.TB) {
	t.Helper()
	if s.server == nil {
		t.Fatalf("%s names a server that cannot be restarted from here", natsURLEnv)
	}
	s.server.Shutdown()
	s.start(t)
}

// Stop stops the server until Restart. The end of the test stops it too.
func (s *NATSServer) Stop() { s.server.Shutdown() }

// NATSOption changes how NATS starts the server.
type NATSOption func(*embedded.NATSConfig)

// SyncAlways forces each message to disk before it is acknowledged, as `serve` does. Without it tests are faster and a crash of
// the machine, which does not happen in tests, would lose messages.
func SyncAlways() NATSOption {
	return func(c *embedded.NATSConfig) { c.SyncInterval = 0 }
}

// NATS starts a fresh server with JetStream and stops it at the end of the test.
func NATS(t testing.TB, options ...NATSOption) *NATSServer {
	t.Helper()
	if address := os.Getenv(natsURLEnv); address != "" {
		u, err := url.Parse(address)
		if err != nil || u.User == nil {
			t.Fatalf("%s must be nats://USER:PASSWORD@HOST:PORT", natsURLEnv)
		}
		password, _ := u.User.Password()
		noteNATS("NATS at " + u.Host)
		return &NATSServer{URL: u.Scheme + "://" + u.Host, User: u.User.Username(), Password: password}
	}

	users := embedded.NewCredentials().NATS
	s := &NATSServer{User: users.Log.Name, Password: users.Log.Password, Users: users, Dir: t.TempDir()}
	s.config = embedded.NATSConfig{Dir: s.Dir, Users: users, SyncInterval: time.Minute}
	for _, option := range options {
		option(&s.config)
	}
	s.start(t)
	t.Cleanup(func() { s.server.Shutdown() })
	noteNATS("NATS embedded")
	return s
}

func (s *NATSServer) start(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	server, err := embedded.StartNATS(ctx, s.config)
	if err != nil {
		t.Fatal(err)
	}
	s.server, s.URL, s.InProcess = server, server.URL(), server.InProcess()
	s.config.Listen = strings.TrimPrefix(server.URL(), "nats://")
}

func noteNATS(engine string) {
	run.Lock()
	defer run.Unlock()
	if run.natsRan == nil {
		run.natsRan = map[string]bool{}
	}
	run.natsRan[engine] = true
}

// ClickHouseServer is the ClickHouse that all tests of a binary share.
type ClickHouseServer struct {
	// Addr is the HOST:PORT of the HTTP interface for our own roles: Addr of clickhouse.Options, with Protocol HTTP and
	// TransportFunc embedded.Transport.
	Addr string
	// NativeAddr is the HOST:PORT of the native protocol.
	NativeAddr string
	// FrontURL is the http://HOST:PORT that dashboards and other processes use.
	FrontURL           string
	Writer, Reader, BI embedded.User

	engine string
}

// ClickHouse returns the shared server and starts it at the first call. A missing library fails the test.
func ClickHouse(t testing.TB) *ClickHouseServer {
	t.Helper()
	run.Lock()
	defer run.Unlock()
	if run.clickHouse == nil && run.failed == nil {
		run.clickHouse, run.failed = startClickHouse()
	}
	if run.failed != nil {
		t.Fatal(run.failed)
	}
	return run.clickHouse
}

func startClickHouse() (*ClickHouseServer, error) {
	if address := os.Getenv(clickHouseURLEnv); address != "" {
		return namedClickHouse(address)
	}
	if !run.main {
		return nil, errors.New("enginetest: the package needs func TestMain(m *testing.M) { enginetest.Main(m) }")
	}
	dir, err := os.MkdirTemp("", "parley-enginetest-")
	if err != nil {
		return nil, err
	}
	run.dir = dir
	users := embedded.NewCredentials()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	server, err := embedded.StartClickHouse(ctx, embedded.ClickHouseConfig{
		Dir:            filepath.Join(dir, "clickhouse"),
		WriterPassword: users.Writer.Password,
		ReaderPassword: users.Reader.Password,
		BIPassword:     users.BI.Password,
		MaxMemory:      2 << 30,
		Native:         true,
		StampDir:       stampDir(),
		Logger:         slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	run.server = server
	return &ClickHouseServer{
		Addr: server.PrivateAddr(), NativeAddr: server.NativeAddr(), FrontURL: server.HTTPURL(),
		Writer: server.Writer(), Reader: server.Reader(), BI: server.BI(),
		engine: "ClickHouse embedded (" + embedded.LibraryVersion + ")",
	}, nil
}

// stampDir is shared by all test binaries, so that only the first reads the whole library; empty when there is none.
func stampDir() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "parley")
}

// namedClickHouse is the server of the environment.
func namedClickHouse(address string) (*ClickHouseServer, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return nil, fmt.Errorf("%s must be http://HOST:PORT", clickHouseURLEnv)
	}
	s := &ClickHouseServer{
		Addr: u.Host, NativeAddr: os.Getenv(clickHouseNativeEnv), FrontURL: "http://" + u.Host, engine: "ClickHouse at " + u.Host,
	}
	if s.NativeAddr == "" {
		return nil, fmt.Errorf("%s needs %s as HOST:PORT", clickHouseURLEnv, clickHouseNativeEnv)
	}
	for suffix, user := range map[string]*embedded.User{"WRITER": &s.Writer, "READER": &s.Reader, "BI": &s.BI} {
		name, password, ok := strings.Cut(os.Getenv("PARLEY_TEST_CLICKHOUSE_"+suffix), ":")
		if !ok {
			return nil, fmt.Errorf("%s needs PARLEY_TEST_CLICKHOUSE_%s as USER:PASSWORD", clickHouseURLEnv, suffix)
		}
		*user = embedded.User{Name: name, Password: password}
	}
	return s, nil
}

// Database creates an empty database (engine Atomic) with a name of its own, parley_test_…, and drops it at the end of the test.
func Database(t testing.TB) string {
	t.Helper()
	s := ClickHouse(t)
	var b [6]byte
	rand.Read(b[:])
	name := "parley_test_" + hex.EncodeToString(b[:])
	s.Exec(t, "CREATE DATABASE "+name+" ENGINE = Atomic")
	t.Cleanup(func() { s.Exec(t, "DROP DATABASE IF EXISTS "+name+" SYNC") })
	return name
}

// Exec runs a statement as the writer and returns the answer (tab-separated where there are rows). An error fails the test.
func (s *ClickHouseServer) Exec(t testing.TB, statement string) string {
	t.Helper()
	answer, err := s.Query(s.Writer, statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return answer
}

// Query runs a statement as a user on Addr and returns the answer, or an error with ClickHouse's message.
func (s *ClickHouseServer) Query(user embedded.User, statement string) (string, error) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://"+s.Addr+"/", strings.NewReader(statement))
	if err != nil {
		return "", err
	}
	request.SetBasicAuth(user.Name, user.Password)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("ClickHouse answered with status %d: %s", response.StatusCode, strings.TrimSpace(string(body)))
	}
	return strings.TrimSuffix(string(body), "\n"), err
}
