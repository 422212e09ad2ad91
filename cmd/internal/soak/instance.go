package soak

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/schema"
)

// What runs on the data dir of an instance.
const (
	serve   = "serve"
	project = "project"           // a projector beside a serve
	engine  = "engine clickhouse" // ClickHouse alone
	member  = "engine nats"       // a NATS server of a cluster
)

// instance is a data dir and the process that runs on it, if any: a serve unless said otherwise.
type instance struct {
	t       testing.TB
	binary  string
	what    string
	dir     string
	log     *os.File
	flags   []string  // beyond those of every process of its kind
	servers []string  // flags that name engines elsewhere, for the process and for commands
	ports   [3]string // of HTTP, NATS and ClickHouse: the same at every start, as they are for those who use it

	clickHouse *account   // where it is another's than serve's
	access     *logAccess // the same for the log
	renumbered bool       // events of the log have other sequences than in the tables

	process *exec.Cmd
	exited  chan struct{}
	url     string
}

// endpoints is what a serve writes about itself.
type endpoints struct {
	NATS       struct{ URL, User, Password string }
	ClickHouse struct {
		HTTP       string
		BI, Writer struct{ User, Password string }
	}
}

// account is a user of a ClickHouse.
type account struct{ url, user, password string }

func newInstance(t testing.TB, binary string) *instance {
	t.Helper()
	dir := t.TempDir()
	log, err := os.Create(filepath.Join(dir, "process.log"))
	if err != nil {
		t.Fatal(err)
	}
	in := &instance{t: t, binary: binary, what: serve, dir: filepath.Join(dir, "data"), log: log}
	for i := range in.ports {
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer free.Close()
		in.ports[i] = free.Addr().String()
	}
	t.Cleanup(func() {
		in.kill(in.pid())
		in.await()
		if t.Failed() {
			in.printLog()
		}
		_ = log.Close()
	})
	return in
}

// printLog shows the end of the log of a run that failed.
func (in *instance) printLog() {
	text, _ := os.ReadFile(in.log.Name())
	in.t.Logf("end of the log of %s:\n%s", in.what, text[max(0, len(text)-4000):])
}

// start runs the process. It returns when that is ready, or was killed: a process that
// is to crash may do so before. One that ends otherwise fails the test.
func (in *instance) start(env ...string) (ready bool) {
	in.t.Helper()
	select {
	case in.url = <-in.launch(env...):
		return true
	case <-in.exited:
		in.await()
		return false
	case <-time.After(90 * time.Second):
		missing, err := in.missing()
		in.t.Fatalf("%s is not ready after 90 s: %v (%v)", in.what, missing, err)
		return false
	}
}

// arguments are those of the process.
func (in *instance) arguments() []string {
	arguments := append(strings.Fields(in.what), "--data-dir", in.dir, "--log-level", "warn")
	switch in.what {
	case serve:
		arguments = append(arguments, "--listen", in.ports[0], "--nats-listen", in.ports[1], "--clickhouse-http", in.ports[2], "--store-text")
	case project:
		arguments = append(arguments, "--listen", in.ports[0], "--store-text")
	case engine:
		arguments = append(arguments, "--listen", in.ports[2])
	case member:
		arguments = append(arguments, "--listen", in.ports[1])
	}
	return slices.Concat(arguments, in.servers, in.flags)
}

// launch runs the process, and returns its address when it is ready.
func (in *instance) launch(env ...string) <-chan string {
	in.t.Helper()
	in.await()
	command := exec.Command(in.binary, in.arguments()...)
	command.Env = append(os.Environ(), env...)
	command.Stderr = in.log
	output, err := command.StdoutPipe()
	if err != nil {
		in.t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		in.t.Fatal(err)
	}
	in.process, in.exited = command, make(chan struct{})
	said := make(chan string, 1)
	go func(exited chan struct{}) {
		lines := bufio.NewScanner(output)
		for lines.Scan() {
			if address, ok := strings.CutPrefix(lines.Text(), "ready "); ok {
				said <- address
			}
		}
		_ = command.Wait() // how it ends is what the test is about
		close(exited)
	}(in.exited)
	return said
}

// missing is what /readyz says is not ready, by part; empty when all is.
func (in *instance) missing() (map[string]string, error) { return in.missingFor("") }

// missingFor is missing with a query string.
func (in *instance) missingFor(query string) (map[string]string, error) {
	response, err := http.Get("http://" + in.ports[0] + "/readyz" + query)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var answer struct{ NotReady map[string]string }
	err = json.NewDecoder(response.Body).Decode(&answer)
	if err == nil && (response.StatusCode == http.StatusOK) != (len(answer.NotReady) == 0) {
		err = fmt.Errorf("/readyz answers %d and names %v", response.StatusCode, answer.NotReady)
	}
	return answer.NotReady, err
}

// patience is how long is waited for what must come at all: the machine may be busy.
const patience = 3 * time.Minute

// awaitMissing waits until /readyz says something of a part; part and text empty
// waits until all is ready.
func (in *instance) awaitMissing(part, text string) string {
	in.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		missing, err := in.missing()
		if err == nil && (part == "" && len(missing) == 0 || part != "" && strings.Contains(missing[part], text) && missing[part] != "") {
			return missing[part]
		}
		if time.Now().After(deadline) {
			in.t.Fatalf("/readyz has not said %q of %q within %v, but %v (%v)", text, part, patience, missing, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// awaitReadyFor waits until /readyz is 200 for a purpose.
func (in *instance) awaitReadyFor(purpose string) {
	in.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		missing, err := in.missingFor("?for=" + purpose)
		if err == nil && len(missing) == 0 {
			return
		}
		if time.Now().After(deadline) {
			in.t.Fatalf("not ready for %s: %v (%v)", purpose, missing, err)
		}
	}
}

func (in *instance) pid() int {
	if in.process == nil {
		return 0
	}
	return in.process.Process.Pid
}

// child is the process id of the ClickHouse child, 0 when there is none.
func (in *instance) child() int {
	pid := strconv.Itoa(in.pid())
	tasks, _ := filepath.Glob("/proc/" + pid + "/task/*/children")
	for _, task := range tasks {
		text, _ := os.ReadFile(task)
		for _, word := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(word); err == nil {
				return child
			}
		}
	}
	return 0
}

// victim is the child, waited for while it is being started again.
func (in *instance) victim() int {
	in.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if child := in.child(); child > 0 {
			return child
		}
	}
	in.t.Fatal("serve has had no ClickHouse for 60 s")
	return 0
}

func (in *instance) kill(pid int) {
	if pid > 0 {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may be gone already
	}
}

// runs fails the test if the process has ended, which nobody has asked for.
func (in *instance) runs() {
	in.t.Helper()
	select {
	case <-in.exited:
		in.t.Fatalf("%s exited unasked: %s", in.what, in.process.ProcessState)
	default:
	}
}

// await waits for the end of the process, which is to be by SIGKILL.
func (in *instance) await() {
	in.t.Helper()
	if in.process == nil {
		return
	}
	<-in.exited
	ended := in.process.ProcessState
	if in.process = nil; !killed(ended) {
		in.t.Fatalf("%s exited unasked: %s", in.what, ended)
	}
}

// killed reports whether a process ended by SIGKILL, as crash points end it.
func killed(ended *os.ProcessState) bool {
	status, ok := ended.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// stop asks the process to end, and wants it to end well.
func (in *instance) stop() {
	in.t.Helper()
	_ = in.process.Process.Signal(syscall.SIGTERM)
	select {
	case <-in.exited:
		if code := in.process.ProcessState.ExitCode(); code != 0 {
			in.t.Errorf("%s ended with code %d after SIGTERM", in.what, code)
		}
	case <-time.After(60 * time.Second):
		in.t.Fatalf("%s has not ended 60 s after SIGTERM", in.what)
	}
	in.process = nil
}

// hanging is how long a command may take before it is said to hang.
const hanging = 40 * time.Minute

// run runs another command of the binary beside serve.
func (in *instance) run(env []string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), hanging)
	defer cancel()
	command := exec.CommandContext(ctx, in.binary, slices.Concat(args, []string{"--data-dir", in.dir}, in.servers)...)
	command.Env = append(os.Environ(), env...)
	output, err := command.CombinedOutput()
	if ctx.Err() != nil {
		in.t.Errorf("parley %v has not ended after %v:\n%s", args, hanging, output[max(0, len(output)-2000):])
	}
	return string(output), err
}

// command runs a command that must succeed.
func (in *instance) command(args ...string) string {
	in.t.Helper()
	output, err := in.run(nil, args...)
	if err != nil {
		in.t.Fatalf("parley %v: %v\n%s", args, err, output)
	}
	in.t.Logf("parley %v: %s", args, output)
	return output
}

func (in *instance) read(name string, into any) {
	in.t.Helper()
	text, err := os.ReadFile(filepath.Join(in.dir, name))
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		in.t.Fatal(err)
	}
}

func (in *instance) endpoints() (e endpoints) {
	in.read("endpoints.json", &e)
	return e
}

// logAccess is how Parley's own commands reach the log.
type logAccess struct{ URL, User, Password, PrivateUser, PrivatePassword string }

func (in *instance) logAccess() (l logAccess) {
	if in.access != nil {
		return *in.access
	}
	in.read("log-access.json", &l)
	return l
}

// open connects to the log.
func (l logAccess) open(ctx context.Context) (*eventlog.Broker, error) {
	return eventlog.Open(ctx, eventlog.Options{
		URL: l.URL, User: l.User, Password: l.Password, PrivateUser: l.PrivateUser, PrivatePassword: l.PrivatePassword,
		Name: "soak", Observe: true,
	})
}

// end returns the last sequence of the log.
func (l logAccess) end(ctx context.Context) (schema.Sequence, error) {
	broker, err := l.open(ctx)
	if err != nil {
		return 0, err
	}
	defer broker.Close()
	return broker.Events().Last(ctx)
}

// errUnknown means that it is unknown whether a request was stored.
var errUnknown = errors.New("no answer")

// post sends events as NDJSON. An error means that they have to be sent again.
func (in *instance) post(client *http.Client, base string, key map[string]string, body []byte) error {
	request, err := http.NewRequest(http.MethodPost, base+"/v1/events", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("content-type", "application/x-ndjson")
	request.Header.Set("x-api-id", key["id"])
	request.Header.Set("x-api-secret", key["secret"])
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnknown, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnknown, err)
	}
	if response.StatusCode != http.StatusAccepted {
		return fmt.Errorf("%w: %s %s", errUnknown, response.Status, answer)
	}
	var taken struct{ Rejected []json.RawMessage }
	if err := json.Unmarshal(answer, &taken); err != nil || len(taken.Rejected) > 0 {
		in.t.Errorf("valid events were rejected: %s", answer)
	}
	return nil
}

// query asks ClickHouse as the dashboards' user, and returns each row.
func (in *instance) query(sql string, each func(row map[string]any)) error {
	if a := in.clickHouse; a != nil {
		return a.ask(in.t.Context(), sql, each)
	}
	e := in.endpoints()
	a := account{e.ClickHouse.HTTP, e.ClickHouse.BI.User, e.ClickHouse.BI.Password}
	return a.ask(in.t.Context(), sql, each)
}

// owner is the owner of the tables.
func (in *instance) owner() account {
	if in.clickHouse != nil {
		return *in.clickHouse
	}
	e := in.endpoints()
	return account{e.ClickHouse.HTTP, e.ClickHouse.Writer.User, e.ClickHouse.Writer.Password}
}

// position returns how far the live tables are.
func (a account) position(ctx context.Context) (position schema.Sequence, err error) {
	var live any
	err = a.ask(ctx, "SELECT argMaxIf(version, turn, state = 'live') AS live FROM parley_meta.turns", func(row map[string]any) { live = row["live"] })
	if err != nil {
		return 0, err
	}
	var text any
	err = a.ask(ctx, fmt.Sprintf("SELECT max(sequence) AS position FROM parley_%v.positions WHERE log = 'events'", live), func(row map[string]any) { text = row["position"] })
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(fmt.Sprint(text), 10, 64)
	return schema.Sequence(n), err
}

func (a account) ask(ctx context.Context, sql string, each func(row map[string]any)) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url+"/?"+url.Values{"database": {"parley"}}.Encode(), strings.NewReader(sql+" FORMAT JSONEachRow"))
	if err != nil {
		return err
	}
	request.SetBasicAuth(a.user, a.password)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		return fmt.Errorf("%s: %s", response.Status, text)
	}
	rows := json.NewDecoder(response.Body)
	rows.UseNumber()
	for {
		var row map[string]any
		switch err := rows.Decode(&row); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		each(row)
	}
}
