package embedded_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parley-analytics/parley/deploy/embedded"
	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
)

func connect(t *testing.T, s *enginetest.NATSServer) (*nats.Conn, jetstream.JetStream) {
	t.Helper()
	nc, err := nats.Connect(s.URL, append(s.Options(), nats.ReconnectWait(5*time.Millisecond), nats.MaxReconnects(-1))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return nc, js
}

func TestNATSRefusesClientsWithoutPassword(t *testing.T) {
	s := enginetest.NATS(t)
	for name, options := range map[string][]nats.Option{
		"nobody":                {},
		"wrong password":        {nats.UserInfo(s.User, "wrong")},
		"wrong user":            {nats.UserInfo("unknown", s.Password)},
		"no password":           {nats.UserInfo(s.User, "")},
		"token":                 {nats.Token(s.Password)},
		"password as user name": {nats.UserInfo(s.Password, s.Password)},
	} {
		nc, err := nats.Connect(s.URL, options...)
		if err == nil {
			nc.Close()
		}
		if !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	for _, greeting := range []string{"CONNECT {}", `CONNECT {"user":"` + s.User + `","pass":"wrong"}`} {
		if answer := inProcess(t, s, greeting); !strings.Contains(answer, "Authorization Violation") {
			t.Errorf("in process, %s: %s", greeting, answer)
		}
	}
	for name, options := range map[string][]nats.Option{
		"tcp":        {nats.UserInfo(s.User, s.Password)},
		"in process": s.Options(),
	} {
		nc, err := nats.Connect(s.URL, options...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		nc.Close()
	}
}

// inProcess greets the server without a client library, which would wait 10 seconds on the pipe, and returns all it says.
func inProcess(t *testing.T, s *enginetest.NATSServer, greeting string) string {
	t.Helper()
	conn, err := s.InProcess.InProcessConn()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	r := bufio.NewReader(conn)
	if info, err := r.ReadString('\n'); err != nil || !strings.Contains(info, `"auth_required":true`) {
		t.Errorf("the server greets with %s, %v", info, err)
	}
	if _, err := io.WriteString(conn, greeting+"\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(r) // the server hangs up
	return string(answer)
}

func TestStreamSurvivesRestart(t *testing.T) {
	s := enginetest.NATS(t, enginetest.SyncAlways())
	_, js := connect(t, s)
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s.*"}}); err != nil {
		t.Fatal(err)
	}
	body := bytes.Repeat([]byte("x"), 256<<10) // the largest event
	for range 3 {
		if _, err := js.Publish(t.Context(), "s.a", body); err != nil {
			t.Fatal(err)
		}
	}
	url := s.URL
	s.Restart(t)
	if s.URL != url {
		t.Errorf("address is %s after the restart, was %s", s.URL, url)
	}
	_, js = connect(t, s)
	stream, err := js.Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	if got := stream.CachedInfo().State; got.Msgs != 3 || got.LastSeq != 3 {
		t.Errorf("state is %+v", got)
	}
}

// A whole request of 10,000 events and 16 MiB is one atomic batch.
func TestAtomicBatchStoresAWholeRequest(t *testing.T) {
	s := enginetest.NATS(t, enginetest.SyncAlways())
	nc, js := connect(t, s)
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "S", Subjects: []string{"s.*"}, AllowAtomicPublish: true, Duplicates: time.Minute,
	}); err != nil {
		t.Fatal(err)
	}

	const events = 10_000
	body := bytes.Repeat([]byte("x"), 16<<20/events)
	begin := time.Now()
	for i := 1; i < events; i++ {
		if err := nc.PublishMsg(batchMessage("b1", i, false, body)); err != nil {
			t.Fatal(err)
		}
	}
	answer, err := nc.RequestMsg(batchMessage("b1", events, true, body), 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d events, %d MiB in %s", events, events*len(body)>>20, time.Since(begin))
	if got := string(answer.Data); !strings.Contains(got, fmt.Sprintf(`"seq":%d`, events)) || !strings.Contains(got, fmt.Sprintf(`"count":%d`, events)) {
		t.Errorf("answer is %s", got)
	}

	// A batch with a message id that is there already adds nothing at all.
	if err := nc.PublishMsg(batchMessage("b2", 1, false, body)); err != nil {
		t.Fatal(err)
	}
	again := batchMessage("b2", 2, true, body)
	again.Header.Set(nats.MsgIdHdr, "b1-1")
	if answer, err = nc.RequestMsg(again, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(answer.Data), `"error"`) {
		t.Errorf("answer to a repeated id is %s", answer.Data)
	}
	stream, err := js.Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	if got := stream.CachedInfo().State.LastSeq; got != events {
		t.Errorf("last sequence is %d", got)
	}
}

func batchMessage(batch string, sequence int, commit bool, body []byte) *nats.Msg {
	m := nats.NewMsg("s.a")
	m.Data = body
	m.Header.Set(nats.MsgIdHdr, fmt.Sprintf("%s-%d", batch, sequence))
	m.Header.Set("Nats-Batch-Id", batch)
	m.Header.Set("Nats-Batch-Sequence", fmt.Sprint(sequence))
	if commit {
		m.Header.Set("Nats-Batch-Commit", "1")
	}
	return m
}

func TestManyBatchesMayBeOpen(t *testing.T) {
	const open = 60 // the server's own limit is 50
	s := enginetest.NATS(t, func(c *embedded.NATSConfig) { c.MaxBatchesInFlight = open })
	nc, js := connect(t, s)
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s.*"}, AllowAtomicPublish: true}); err != nil {
		t.Fatal(err)
	}
	for i := range open + 1 {
		answer, err := nc.RequestMsg(batchMessage(fmt.Sprintf("b%d", i), 1, false, nil), 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if refused := len(answer.Data) > 0; refused != (i == open) {
			t.Errorf("batch %d: %q", i, answer.Data)
		}
	}
}

func TestNATSLogsOnlyWhatMatters(t *testing.T) {
	var log bytes.Buffer
	n, err := embedded.StartNATS(t.Context(), embedded.NATSConfig{
		Dir: t.TempDir(), Users: embedded.NewCredentials().NATS, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Ready(); err != nil {
		t.Error(err)
	}
	n.Shutdown()
	n.Shutdown() // a second time does nothing
	if n.Ready() == nil {
		t.Error("ready after Shutdown")
	}
	if log.Len() > 0 {
		t.Errorf("a start and a stop log %s", log.String())
	}
}

func TestNATSNeedsCredentials(t *testing.T) {
	for _, c := range []embedded.NATSConfig{
		{Dir: t.TempDir()}, {Dir: t.TempDir(), Users: embedded.NATSUsers{Log: embedded.User{Name: "u"}}},
		{Dir: t.TempDir(), Users: embedded.NATSUsers{Log: embedded.User{Password: "p"}}}, {Users: embedded.NewCredentials().NATS},
	} {
		if n, err := embedded.StartNATS(t.Context(), c); err == nil {
			n.Shutdown()
			t.Errorf("%+v starts", c)
		}
	}
}
