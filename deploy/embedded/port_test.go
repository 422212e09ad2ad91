package embedded

import (
	"errors"
	"net"
	"strconv"
	"syscall"
	"testing"
)

// TestHeldPortIsNotAvailableToOthers binds every way in which another process could take
// the port before, or between, those that are to listen there.
func TestHeldPortIsNotAvailableToOthers(t *testing.T) {
	held, err := holdPort()
	if err != nil {
		t.Fatal(err)
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(held.number))
	if l, err := net.Listen("tcp", address); !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatal(l, err)
	}
	if l, err := net.Listen("tcp", ":"+strconv.Itoa(held.number)); !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatal(l, err)
	}
	if c, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatal(c, err) // it is bound and does not listen
	}
	held.release()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

// TestPortsOfClickHouseAreHeldAllTheTime looks while it runs and is started again.
func TestPortsOfClickHouseAreHeldAllTheTime(t *testing.T) {
	users := NewCredentials()
	c, err := StartClickHouse(t.Context(), ClickHouseConfig{
		Dir: t.TempDir(), Native: true,
		WriterPassword: users.Writer.Password, ReaderPassword: users.Reader.Password, BIPassword: users.BI.Password,
	})
	if err != nil {
		t.Fatal(err)
	}
	taken := func() {
		t.Helper()
		for _, address := range []string{c.PrivateAddr(), c.NativeAddr()} {
			if l, err := net.Listen("tcp", address); !errors.Is(err, syscall.EADDRINUSE) {
				t.Errorf("%s: %v %v", address, l, err)
			}
		}
	}
	taken()
	before := c.PID()
	if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for c.PID() == before || c.Ready() != nil {
		taken()
		if t.Failed() || t.Context().Err() != nil {
			break
		}
	}
	taken()
	addresses := []string{c.PrivateAddr(), c.NativeAddr()}
	if err := c.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
	}
}
