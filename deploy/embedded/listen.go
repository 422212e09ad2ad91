package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// splitListen splits HOST:PORT. Empty means 127.0.0.1:0.
func splitListen(what, listen string) (host string, port int, err error) {
	if listen == "" {
		return "127.0.0.1", 0, nil
	}
	host, digits, err := net.SplitHostPort(listen)
	if err != nil {
		return "", 0, fmt.Errorf("the %s address %q is not HOST:PORT", what, listen)
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("the %s address %q has no port from 0 to 65535", what, listen)
	}
	if host == "" {
		host = "0.0.0.0"
	}
	return host, int(n), nil
}

// listenOn opens host:port; the error says whether the port is already in use.
func listenOn(ctx context.Context, what, host string, port int) (net.Listener, error) {
	address := net.JoinHostPort(host, strconv.Itoa(port))
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("the %s address %s is already in use: stop what listens there, or give another one (port 0 picks a free one): %w",
			what, address, err)
	case err != nil:
		return nil, fmt.Errorf("cannot listen for %s on %s: %w", what, address, err)
	}
	return l, nil
}

// checkPort reports whether something listens on host:port already.
func checkPort(ctx context.Context, what, host string, port int) error {
	l, err := listenOn(ctx, what, host, port)
	if err != nil {
		return err
	}
	return l.Close()
}

// heldPort is a port of 127.0.0.1 that stays reserved: a socket is bound to it
// that never listens. Only a process of the same user that sets SO_REUSEPORT can listen there; no
// other process gets the port meanwhile.
type heldPort struct {
	number int
	socket int
}

func holdPort() (*heldPort, error) {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, fmt.Errorf("hold a port: %w", err)
	}
	unix.CloseOnExec(socket)
	h := &heldPort{socket: socket}
	err = unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	if err == nil {
		err = unix.Bind(socket, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	var bound unix.Sockaddr
	if err == nil {
		bound, err = unix.Getsockname(socket)
	}
	if err != nil {
		h.release()
		return nil, fmt.Errorf("hold a port: %w", err)
	}
	h.number = bound.(*unix.SockaddrInet4).Port
	return h, nil
}

func (h *heldPort) release() { _ = unix.Close(h.socket) }

// orDefault returns v, or fallback if v is zero.
func orDefault[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}
