package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/query/auth"
)

// binary is the parley that the end-to-end tests run, built once.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "parley-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "parley")
		if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
			return 1
		}
		code := m.Run()
		if shared.instance != nil {
			shared.instance.kill()
		}
		if out, err := exec.Command(binary, "version", "--engines").Output(); err == nil {
			fmt.Printf("engines: %s (in the real binary)\n", strings.TrimSpace(string(out)))
		}
		return code
	}())
}

// How long a test waits for what must come at all. How fast it comes is measured elsewhere: the machine may be busy.
const (
	startWithin = 3 * time.Minute
	stopWithin  = 2 * time.Minute
	seenWithin  = 2 * time.Minute
)

// instance is a running serve with real engines.
type instance struct {
	dir     string
	process *exec.Cmd
	stderr  *output
	ended   chan struct{} // closed when the process has ended
	where   engines.Endpoints
	admin   auth.Key
	toReady time.Duration
}

// output collects what a process writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// serve starts parley on a data dir and returns when it has said that it is ready.
func serve(dir string, flags ...string) (*instance, error) {
	i, err := launch(dir, append([]string{"serve", "--nats-listen", "127.0.0.1:0", "--clickhouse-http", "127.0.0.1:0"}, flags...)...)
	if err != nil {
		return nil, err
	}
	url := i.where.HTTP
	if err = i.load(); err == nil && url != i.where.HTTP {
		err = fmt.Errorf("the ready line names %s, endpoints.json %s", url, i.where.HTTP)
	}
	if err != nil {
		i.kill()
		return nil, err
	}
	return i, nil
}

// launch starts a command that stays and returns when it has said that it is ready.
func launch(dir string, arguments ...string) (*instance, error) {
	begun := time.Now()
	i, lines, err := spawn(dir, arguments...)
	if err != nil {
		return nil, err
	}
	select {
	case line, open := <-lines:
		i.toReady = time.Since(begun)
		url, ready := strings.CutPrefix(line, "ready ")
		if !open || !ready {
			i.kill()
			return nil, fmt.Errorf("%v said %q instead of ready:\n%s", arguments, line, i.stderr)
		}
		i.where.HTTP = url
		return i, nil
	case <-time.After(startWithin):
		i.kill()
		return nil, fmt.Errorf("%v was not ready within %s:\n%s", arguments, startWithin, i.stderr)
	}
}

// spawn starts a command that stays, and returns the lines of its standard output.
func spawn(dir string, arguments ...string) (*instance, <-chan string, error) {
	i := &instance{dir: dir, stderr: &output{}, ended: make(chan struct{})}
	i.process = exec.Command(binary, append(arguments, "--data-dir", dir, "--listen", "127.0.0.1:0")...)
	i.process.Stderr = i.stderr
	stdout, err := i.process.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := i.process.Start(); err != nil {
		return nil, nil, err
	}
	lines := make(chan string, 16)
	go func() {
		scanner := bufio.NewScanner(stdout)
		for scanner.Scan() {
			lines <- scanner.Text()
		}
		close(lines)
		_ = i.process.Wait() // the exit code is in ProcessState
		close(i.ended)
	}()
	return i, lines, nil
}

// load reads what serve has written for the other commands.
func (i *instance) load() error {
	for name, into := range map[string]any{engines.EndpointsFile: &i.where, adminKeyName: &i.admin} {
		content, err := os.ReadFile(filepath.Join(i.dir, name))
		if err != nil {
			return err
		}
		if err := json.Unmarshal(content, into); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (i *instance) kill() {
	_ = i.process.Process.Kill() // it may have ended
	<-i.ended
}

// start runs an instance for one test.
func start(t *testing.T, dir string, flags ...string) *instance {
	t.Helper()
	i, err := serve(dir, flags...)
	if err != nil {
		t.Fatal(err)
	}
	watch(t, i)
	return i
}

// watch ends an instance with the test.
func watch(t *testing.T, i *instance) {
	t.Helper()
	t.Cleanup(func() {
		i.kill()
		if t.Failed() {
			t.Logf("parley wrote:\n%s", i.stderr)
		}
	})
}

// terminate stops cleanly and returns the exit code.
func (i *instance) terminate(t *testing.T) int {
	t.Helper()
	if err := i.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-i.ended:
		return i.process.ProcessState.ExitCode()
	case <-time.After(stopWithin):
		t.Fatalf("serve did not stop within %s:\n%s", stopWithin, i.stderr)
		return -1
	}
}

// shared is the instance of the tests that do not stop it.
var shared struct {
	sync.Mutex
	instance *instance
}

func running(t *testing.T) *instance {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.instance == nil {
		dir, err := os.MkdirTemp(filepath.Dir(binary), "data-") //nolint:usetesting // it outlives the test
		if err != nil {
			t.Fatal(err)
		}
		i, err := serve(dir)
		if err != nil {
			t.Fatal(err)
		}
		shared.instance = i
	}
	return shared.instance
}

// children are the processes that have pid as their parent.
func children(t *testing.T, pid int) []int {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ps", "-A", "-o", "pid=,ppid=").Output()
	if err != nil {
		t.Fatal(err)
	}
	var found []int
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) == 2 && fields[1] == strconv.Itoa(pid) {
			child, _ := strconv.Atoi(fields[0])
			found = append(found, child)
		}
	}
	return found
}

// ended reports whether a process is gone. One that nobody has waited for yet counts.
func ended(t *testing.T, pid int) bool {
	t.Helper()
	out, _ := exec.CommandContext(t.Context(), "ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output() // exit 1: there is none
	state := strings.TrimSpace(string(out))
	return state == "" || strings.HasPrefix(state, "Z")
}

// resident is the memory of a process in MiB.
func resident(t *testing.T, pid int) int {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ps", "-o", "rss=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		t.Fatal(err)
	}
	kib, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	return kib >> 10
}

// eventually polls until check returns nil.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	deadline := time.Now().Add(seenWithin)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %v", seenWithin, err)
		}
		<-tick.C
	}
}

// request is an HTTP request to an instance.
type request struct {
	method, path, body string
	headers            map[string]string
	key                *auth.Key // nil sends none
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) String() string { return fmt.Sprintf("%d %s", a.status, a.body) }

func (i *instance) do(t *testing.T, r request) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	sent, err := http.NewRequestWithContext(ctx, r.method, i.where.HTTP+r.path, strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range r.headers {
		sent.Header.Set(name, value)
	}
	if r.key != nil {
		sent.Header.Set("x-api-id", r.key.ID)
		sent.Header.Set("x-api-secret", r.key.Secret)
	}
	response, err := http.DefaultClient.Do(sent)
	if err != nil {
		t.Fatal(err)
	}
	return answerOf(t, response)
}

// answerOf reads a response to its end.
func answerOf(t *testing.T, response *http.Response) answer {
	t.Helper()
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, body}
}

// accepted is the answer of /v1/events.
type accepted struct {
	Accepted, Duplicates int
	Rejected             []struct {
		Index             int
		ID, Code, Message string
	}
	FirstSequence, LastSequence *uint64
}

// post sends NDJSON with the admin key and wants all of it taken.
func (i *instance) post(t *testing.T, lines ...string) accepted {
	t.Helper()
	got := i.do(t, request{
		method: http.MethodPost, path: "/v1/events", body: strings.Join(lines, "\n"), key: &i.admin,
		headers: map[string]string{"Content-Type": "application/x-ndjson"},
	})
	var a accepted
	if err := json.Unmarshal(got.body, &a); err != nil || got.status != http.StatusAccepted || len(a.Rejected) > 0 {
		t.Fatalf("POST /v1/events: %s", got)
	}
	return a
}

// sql asks as the dashboards' user and returns the rows.
func (i *instance) sql(t *testing.T, statement string) []map[string]any {
	t.Helper()
	rows, err := i.trySQL(statement)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func (i *instance) trySQL(statement string) ([]map[string]any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	sent, err := http.NewRequestWithContext(ctx, http.MethodPost,
		i.where.ClickHouse.HTTP+"/?default_format=JSONEachRow&output_format_json_quote_64bit_integers=0&date_time_output_format=iso",
		strings.NewReader(statement))
	if err != nil {
		return nil, err
	}
	sent.Header.Set("X-ClickHouse-User", i.where.ClickHouse.BI.Name)
	sent.Header.Set("X-ClickHouse-Key", i.where.ClickHouse.BI.Password)
	response, err := http.DefaultClient.Do(sent)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", response.Status, body)
	}
	var rows []map[string]any
	for line := range strings.Lines(string(body)) {
		row := make(map[string]any)
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.UseNumber()
		if err := decoder.Decode(&row); err != nil {
			return nil, fmt.Errorf("%w: %s", err, line)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// number asks for one number.
func (i *instance) number(t *testing.T, statement string) int {
	t.Helper()
	for _, value := range i.sql(t, statement)[0] {
		n, err := strconv.Atoi(fmt.Sprint(value))
		if err != nil {
			t.Fatalf("%s: %v", statement, value)
		}
		return n
	}
	return 0
}

// graphQL asks with a key and returns data; errors fail the test.
func (i *instance) graphQL(t *testing.T, key auth.Key, query string) map[string]any {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	got := i.do(t, request{
		method: http.MethodPost, path: graphQLPath, body: string(body), key: &key,
		headers: map[string]string{"Content-Type": "application/json"},
	})
	var answered struct {
		Data   map[string]any
		Errors []any
	}
	decoder := json.NewDecoder(bytes.NewReader(got.body))
	decoder.UseNumber()
	if err := decoder.Decode(&answered); err != nil || got.status != http.StatusOK || len(answered.Errors) > 0 {
		t.Fatalf("%s\nanswered %s", query, got)
	}
	return answered.Data
}

// log is how Parley itself connects to the log, leaving the streams as they are.
func (i *instance) log(t *testing.T) eventlog.Options {
	t.Helper()
	found, err := (&engines.Location{Folder: engines.Folder{DataDir: i.dir}}).FindLog()
	if err != nil {
		t.Fatal(err)
	}
	found.Log.Observe = true
	return found.Log
}

// command runs parley on the instance's data dir.
func (i *instance) command(t *testing.T, stdin string, arguments ...string) (stdout, stderr string, code int) {
	t.Helper()
	c := exec.CommandContext(t.Context(), binary, append(arguments, "--data-dir", i.dir)...)
	var out, errors bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(stdin), &out, &errors
	if err := c.Run(); err != nil && c.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errors.String(), c.ProcessState.ExitCode()
}

// newKey adds a key with `parley key add`.
func (i *instance) newKey(t *testing.T, projects, scopes string) auth.Key {
	t.Helper()
	stdout, stderr, code := i.command(t, "", "key", "add", "--name", t.Name(), "--projects", projects, "--scopes", scopes)
	var key auth.Key
	if err := json.Unmarshal([]byte(stdout), &key); err != nil || code != 0 || key.ID == "" || key.Secret == "" {
		t.Fatalf("key add: exit %d, %q, %q", code, stdout, stderr)
	}
	return key
}

// system names the machine a measurement is from.
func system() string {
	return fmt.Sprintf("%s/%s, %d cores", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
}
