package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// splitListen takes HOST:PORT apart. Empty stands for 127.0.0.1:0.
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

// listenOn opens host:port and says plainly when it is taken.
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

// reservePort checks that a port is free, or picks a free one for 0. It is free again on return.
func reservePort(ctx context.Context, what, host string, port int) (int, error) {
	l, err := listenOn(ctx, what, host, port)
	if err != nil {
		return 0, err
	}
	port = l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

// orDefault is v, or fallback where v is zero.
func orDefault[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}
