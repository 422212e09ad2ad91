package embedded

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// TestNATSRecoversFromAFailedWrite lets writes fail with a limit on the size of
// files, which a full disk is like: short writes, then errors.
func TestNATSRecoversFromAFailedWrite(t *testing.T) {
	dir, users := t.TempDir(), NewCredentials().NATS
	n, err := StartNATS(t.Context(), NATSConfig{Dir: dir, Users: users})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Shutdown()
	conn, err := nats.Connect("", nats.InProcessServer(n.InProcess()), nats.UserInfo(users.Log.Name, users.Log.Password), nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
		t.Fatal(err)
	}
	var stored uint64
	publish := func() error {
		ack, err := js.Publish(t.Context(), "s", []byte(strings.Repeat("x", 10_000)))
		if err == nil {
			if ack.Sequence != stored+1 {
				t.Errorf("%d was acknowledged after %d", ack.Sequence, stored)
			}
			stored = ack.Sequence
		}
		return err
	}
	for range 10 {
		if err := publish(); err != nil {
			t.Fatal(err)
		}
	}

	full := limitFiles(t, 300_000)
	deadline := time.Now().Add(2 * time.Minute)
	for publish() == nil {
		if stored > 100 {
			t.Fatal("the limit limits nothing")
		}
	}
	for n.Ready() == nil {
		if time.Now().After(deadline) {
			t.Fatal("ready although nothing can be written")
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Log(n.Ready())
	full()
	for err := publish(); err != nil; err = publish() {
		if time.Now().After(deadline) {
			t.Fatalf("room was made, and still: %v (%v)", err, n.Ready())
		}
		<-time.After(20 * time.Millisecond)
	}
	if err := n.Ready(); err != nil {
		t.Errorf("after it: %v", err)
	}
	s, err := js.Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	for sequence := uint64(1); sequence <= stored; sequence++ {
		if _, err := s.GetMsg(t.Context(), sequence); err != nil {
			t.Fatal(fmt.Errorf("message %d: %w", sequence, err))
		}
	}
}

// limitFiles lets writes beyond a size fail in this process until the function returned is called.
func limitFiles(t *testing.T, size uint64) func() {
	t.Helper()
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	set := func(limit syscall.Rlimit) {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
	}
	set(syscall.Rlimit{Cur: size, Max: before.Max})
	t.Cleanup(func() { set(before) })
	return func() { set(before) }
}
