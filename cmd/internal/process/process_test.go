package process

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func quietProcess() *Process { return New(slog.New(slog.DiscardHandler)) }

func TestPartsStopInReverseEachToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := quietProcess()
		var stopped []string
		p.OnStop("engine", func(context.Context) error { stopped = append(stopped, "engine"); return nil })
		p.Background("role", func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(time.Second)
			stopped = append(stopped, "role")
			return ctx.Err()
		})
		if err := p.Shutdown(); err != nil {
			t.Error(err)
		}
		if !slices.Equal(stopped, []string{"role", "engine"}) {
			t.Error(stopped)
		}
	})
}

func TestFailureOfAPartStopsTheProcess(t *testing.T) {
	p := quietProcess()
	broken := errors.New("broken")
	p.Background("role", func(context.Context) error { return broken })
	err := p.Wait(t.Context())
	if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "role: ") {
		t.Error(err)
	}
}

func TestAStopRequestIsNotAFailure(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := quietProcess().Wait(ctx); err != nil {
		t.Error(err)
	}
}

func TestPartsThatAPartAddsWhileTheProcessStopsAreStopped(t *testing.T) {
	p := quietProcess()
	var stopped []string
	p.Background("roles", func(ctx context.Context) error {
		<-ctx.Done()
		p.OnStop("role", func(context.Context) error { stopped = append(stopped, "role"); return nil })
		return nil
	})
	if err := p.Shutdown(); err != nil || !slices.Equal(stopped, []string{"role"}) {
		t.Error(err, stopped)
	}
}

func TestPartThatDoesNotStopIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := quietProcess()
		ever := make(chan struct{})
		p.Background("stuck", func(context.Context) error { <-ever; return nil })
		if err := p.Shutdown(); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "stuck") {
			t.Error(err)
		}
		close(ever)
	})
}
