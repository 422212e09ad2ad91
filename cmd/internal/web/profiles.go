package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"

	"github.com/parley-analytics/parley/cmd/internal/process"
)

// ServeProfiles serves net/http/pprof at a separate address, without authentication.
func ServeProfiles(ctx context.Context, p *process.Process, address string, encrypted *tls.Config) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("--debug-listen: %w", err)
	}
	url := httpURL(listener.Addr(), encrypted)
	if encrypted != nil {
		listener = tls.NewListener(listener, encrypted)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: headerTimeout}
	p.Log.Info("profiles", "url", url+"/debug/pprof/")
	p.Background("profiles", func(ctx context.Context) error {
		context.AfterFunc(ctx, func() { _ = server.Close() }) // a client reading a profile is cut off
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	return nil
}
