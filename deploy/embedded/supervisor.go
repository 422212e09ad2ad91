package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	firstRestart  = 200 * time.Millisecond
	slowestStart  = 30 * time.Second
	stableAfter   = time.Minute // a child that lived this long resets the backoff
	probeInterval = 5 * time.Second
	usersInterval = time.Second // between looks at the file of BI users
	probesToKill  = 3           // consecutive refused connections after which the child is considered dead
)

// supervise runs one child after the other until stopping. If someone waits for the outcome of the first start, which ctx bounds, it
// sends that on first, and returns if the start failed.
func (c *ClickHouse) supervise(ctx context.Context, first chan<- error) {
	defer close(c.done)
	defer c.free()
	defer c.stop()

	child, err := c.startChild(ctx)
	if err == nil {
		c.setState(nil)
	}
	if first != nil {
		first <- err
		if err != nil {
			return
		}
	}

	delay := backoff.NewExponentialBackOff()
	delay.InitialInterval, delay.MaxInterval = firstRestart, slowestStart
	for {
		if child != nil {
			err = c.watch(child)
			if c.stopping.Err() != nil {
				c.setState(errors.New("stopped"))
				return
			}
			if errors.Is(err, errNewUsers) {
				child, err = c.withNewUsers()
				continue
			}
			if time.Since(child.started) > stableAfter {
				delay.Reset()
			}
		}
		wait := delay.NextBackOff()
		c.setState(fmt.Errorf("%w; restarting it", err))
		c.log.Error("ClickHouse does not run; restarting it", "error", err, "in", wait.Round(time.Millisecond))
		if pause(c.stopping, wait) != nil {
			c.setState(errors.New("stopped"))
			return
		}
		c.mu.Lock()
		c.restarts++
		c.mu.Unlock()
		if child, err = c.startChild(c.stopping); err == nil {
			c.log.Info("ClickHouse is ready", "pid", child.pid())
			c.setState(nil)
		}
	}
}

// errNewUsers is the end of a child that does not know a user.
var errNewUsers = errors.New("the BI users have changed")

// withNewUsers starts a child that knows the users of the file.
func (c *ClickHouse) withNewUsers() (*child, error) {
	c.setState(errNewUsers)
	if err := c.readUsers(); err != nil {
		c.guests = stampOf(c.config.GuestsFile) // not again until the file changes
		c.log.Error("the BI users cannot be read; those from before stay", "error", err)
	}
	next, err := c.startChild(c.stopping)
	if err == nil {
		c.log.Info("ClickHouse was restarted for a change of the BI users", "pid", next.pid())
		c.setState(nil)
	}
	return next, err
}

// child is one ClickHouse process.
type child struct {
	cmd         *exec.Cmd
	stdin, life io.Closer
	output      *tail
	started     time.Time
	exited      chan struct{} // closed when the process is gone
}

func (p *child) pid() int { return p.cmd.Process.Pid }

// end requests a clean stop by closing standard input.
func (p *child) end() {
	p.stdin.Close()
	p.life.Close()
}

// cause describes how the process ended. It is called after exited is closed.
func (p *child) cause() error {
	said := p.output.String()
	if said == "" {
		return fmt.Errorf("the ClickHouse process exited (%s)", p.cmd.ProcessState)
	}
	return fmt.Errorf("the ClickHouse process exited (%s): %s", p.cmd.ProcessState, said)
}

// startChild starts a process and returns when it answers. On an error no process is left running.
func (c *ClickHouse) startChild(ctx context.Context) (_ *child, err error) {
	if c.lock == nil {
		if c.lock, err = c.waitForPredecessor(ctx); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, clickHouseStartTimeout)
	defer cancel()
	p, err := c.spawn()
	if err != nil {
		return nil, err
	}
	c.setPID(p.pid())
	for {
		if c.probe(ctx) == nil {
			return p, nil
		}
		select {
		case <-p.exited:
			c.setPID(0)
			return nil, p.cause()
		case <-ctx.Done():
			p.end()
			_ = p.cmd.Process.Kill()
			<-p.exited
			c.setPID(0)
			return nil, fmt.Errorf("the ClickHouse process did not become ready: %w", context.Cause(ctx))
		case <-time.After(15 * time.Millisecond):
		}
	}
}

// spawn starts this binary as ClickHouse. Its standard input stays open as long as this process
// holds the other end; a second pipe, read only by Parley's own code in the child, ends the child
// if the library does not. The child has no parent-death signal: the kernel sends that when the
// starting thread ends, and Go threads can end at any time.
func (c *ClickHouse) spawn() (*child, error) {
	executable, err := selfExecutable()
	if err != nil {
		return nil, err
	}
	lifeRead, lifeWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer lifeRead.Close()

	p := &child{output: &tail{log: c.log}, life: lifeWrite, exited: make(chan struct{})}
	p.cmd = exec.CommandContext(context.Background(), executable, // it ends with its standard input
		"--path="+c.files.data,
		"-C", c.files.config,
		"--listen_host=127.0.0.1",
		fmt.Sprintf("--http_port=%d", c.port.number),
		"--queries-file", c.files.start, "/dev/stdin")
	if c.native != nil {
		p.cmd.Args = append(p.cmd.Args, fmt.Sprintf("--tcp_port=%d", c.native.number))
	}
	p.cmd.Args[0] = "parley-clickhouse"
	p.cmd.Dir = c.config.Dir
	// No other variable is passed on: ClickHouse looks for keys of clouds and AI providers there.
	p.cmd.Env = []string{childEnv + "=" + c.library, "HOME=" + c.config.Dir, "TMPDIR=" + c.config.Dir + "/tmp", "LANG=C.UTF-8", "TZ=UTC"}
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	p.cmd.ExtraFiles = []*os.File{lifeRead, c.lock}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C on the terminal is for the parent only
	p.cmd.WaitDelay = time.Second
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		lifeWrite.Close()
		return nil, err
	}
	p.started = time.Now()
	if err := p.cmd.Start(); err != nil {
		lifeWrite.Close()
		return nil, fmt.Errorf("start the ClickHouse process: %w", err)
	}
	go func() {
		_ = p.cmd.Wait() // cause reads the state
		lifeWrite.Close()
		close(p.exited)
	}()
	return p, nil
}

// watch returns when the child has ended: it exited, it was stopped, or it no longer listens.
func (c *ClickHouse) watch(p *child) error {
	defer c.setPID(0)
	ticker := time.NewTicker(probeInterval)
	defer ticker.Stop()
	users := time.NewTicker(usersInterval)
	defer users.Stop()
	for refused := 0; ; {
		select {
		case <-p.exited:
			return p.cause()
		case <-c.stopping.Done():
			c.finish(p, nil)
			return nil
		case <-users.C:
			if c.config.GuestsFile == "" || stampOf(c.config.GuestsFile) == c.guests {
				continue
			}
			c.finish(p, time.After(stopTimeout))
			return errNewUsers
		case <-ticker.C:
		}
		// A busy ClickHouse may answer late; one that does not listen is dead.
		if err := c.probe(c.stopping); errors.Is(err, syscall.ECONNREFUSED) {
			refused++
		} else {
			refused = 0
		}
		if refused == probesToKill {
			c.log.Error("ClickHouse stopped listening; killing it")
			_ = p.cmd.Process.Kill()
		}
	}
}

// finish lets a child end cleanly. It is killed at the timeout, or when Shutdown does not wait longer.
func (c *ClickHouse) finish(p *child, timeout <-chan time.Time) {
	p.end()
	select {
	case <-p.exited:
		return
	case <-timeout:
	case <-c.hard:
	}
	_ = p.cmd.Process.Kill()
	<-p.exited
}

func (c *ClickHouse) setPID(pid int) {
	c.mu.Lock()
	c.pid = pid
	c.mu.Unlock()
}

// probe runs SELECT 1 as the writer, whose password only this process's own child knows.
func (c *ClickHouse) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeInterval)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.PrivateAddr()+"/?query=SELECT+1", nil)
	if err != nil {
		return err
	}
	request.Header.Set("X-ClickHouse-User", WriterUser)
	request.Header.Set("X-ClickHouse-Key", c.config.WriterPassword)
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK || strings.TrimSpace(string(body)) != "1" {
		return fmt.Errorf("ClickHouse answered with status %d", response.StatusCode)
	}
	return nil
}
