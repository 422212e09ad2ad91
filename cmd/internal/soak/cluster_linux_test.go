//go:build cluster

package soak

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parley-analytics/parley/ingest/eventlog"
)

// leases is the stream of the bucket of leases.
const leases = "KV_PARLEY_LEASES"

// cluster is a serve under load whose log is kept by three NATS servers, each in a process of its own.
type cluster struct {
	*traffic
	*tally
	servers []*instance
	times   map[string][]time.Duration // how long it took after a kill, by what
}

// TestNATSServersAreKilled kills the servers of the log one by one, two at once and all at once, while events come in
// and are projected, and starts them again. Serve is never restarted.
func TestNATSServersAreKilled(t *testing.T) {
	t.Parallel()
	binary := build(t)
	run := newTally(t, "TestNATSServersAreKilled")
	newNATSCluster(t, binary, run).suffer()
	run.report(t, "NATS cluster")
}

func newNATSCluster(t *testing.T, binary string, run *tally) *cluster {
	t.Helper()
	c := &cluster{tally: run, times: map[string][]time.Duration{}}
	const log, private = "the password of the log", "the password of the buckets"
	logFile, privateFile, clusterFile := secretFile(t, log), secretFile(t, private), secretFile(t, "the password of the cluster")
	var urls, routes []string
	for n := range 3 {
		in := newInstance(t, binary)
		in.what = member
		in.flags = []string{
			"--password-file", logFile, "--private-password-file", privateFile, "--cluster-name", "soak",
			"--cluster-server", serverName(n), "--cluster-listen", in.ports[2], "--cluster-password-file", clusterFile,
		}
		c.servers, urls, routes = append(c.servers, in), append(urls, "nats://"+in.ports[1]), append(routes, in.ports[2])
	}
	var ready []<-chan string
	for _, in := range c.servers {
		in.flags = append(in.flags, "--cluster-routes", strings.Join(routes, ","))
		ready = append(ready, in.launch())
	}
	for n, in := range c.servers {
		in.awaitReady(ready[n])
	}
	in := newInstance(t, binary)
	in.servers = []string{
		"--nats-url", strings.Join(urls, ","), "--nats-user", "parley", "--nats-password-file", logFile,
		"--nats-private-user", "parley_private", "--nats-private-password-file", privateFile, "--nats-replicas", "3",
	}
	c.traffic = underLoad(t, in, rare)
	c.watchers = append(c.watchers, watch(t, c.senders, in))
	return c
}

// serverName is the name of a server in the cluster.
func serverName(n int) string { return fmt.Sprintf("n%d", n+1) }

// suffer strikes once in each way, and goes on until time is up.
func (c *cluster) suffer() {
	c.awaitAcknowledged(500)
	c.tally.ready()
	for pass := 0; pass == 0 || c.left() > 0; pass++ {
		ways := []func(*cluster) string{
			func(c *cluster) string {
				return c.killLeader("the leader of the log", eventlog.EventsStream, c.js(false))
			},
			func(c *cluster) string { return c.killLeader("the leader of the leases", leases, c.js(true)) },
			(*cluster).killTwo,
		}
		if long() {
			ways = append(ways, (*cluster).killFollower, (*cluster).killAll, (*cluster).killInTurns)
		}
		c.dice.Shuffle(len(ways), func(i, j int) { ways[i], ways[j] = ways[j], ways[i] })
		for _, strike := range ways {
			c.kinds[strike(c)]++
			c.awaitMissing("", "")
			c.diagnosed("ok    copies: ") // an operator waits for that too before the next server
			c.awaitAcknowledged(100)
			if c.pid() == 0 {
				c.t.Fatal("serve has ended")
			}
		}
		c.say("NATS cluster", c.hold(c.instance, &c.gate, c.senders))
	}
	if long() {
		c.command("verify")
	}
	c.withinMemory()
	found := c.hold(c.instance, &c.gate, c.senders)
	c.stop()
	for _, in := range c.servers {
		in.stop()
	}
	c.add(found, c.senders)
	for _, what := range slices.Sorted(maps.Keys(c.times)) {
		all := c.times[what]
		slices.Sort(all)
		fmt.Fprintf(os.Stderr, "NATS cluster: %s after %d kills: p50 %v, max %v\n", what, len(all), all[len(all)/2].Round(100*time.Millisecond), all[len(all)-1].Round(100*time.Millisecond))
	}
}

// js connects to the cluster, to the account of the log or to that of the buckets.
func (c *cluster) js(private bool) jetstream.JetStream {
	c.t.Helper()
	l := c.logAccess()
	user, password := l.User, l.Password
	if private {
		user, password = l.PrivateUser, l.PrivatePassword
	}
	conn, err := nats.Connect(l.URL, nats.UserInfo(user, password), nats.MaxReconnects(-1))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		c.t.Fatal(err)
	}
	return js
}

// leader waits until a stream has a leader, and all of its copies are up to date, and returns it.
func (c *cluster) leader(js jetstream.JetStream, stream string) int {
	c.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(c.t.Context(), 2*time.Second)
		s, err := js.Stream(ctx, stream)
		cancel()
		if err == nil {
			info := s.CachedInfo().Cluster
			n := slices.Index([]string{serverName(0), serverName(1), serverName(2)}, info.Leader)
			if n >= 0 && !slices.ContainsFunc(info.Replicas, func(p *jetstream.PeerInfo) bool { return !p.Current || p.Offline }) {
				return n
			}
			err = fmt.Errorf("it has %+v", info)
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("%s has no leader and copies that are up to date: %v", stream, err)
		}
	}
}

// down kills servers, without starting them again.
func (c *cluster) down(which ...int) {
	c.t.Helper()
	for _, n := range which {
		c.servers[n].kill(c.servers[n].pid())
	}
	for _, n := range which {
		c.servers[n].await()
	}
}

// up starts a server again.
func (c *cluster) up(n int) {
	c.t.Helper()
	if !c.servers[n].start() {
		c.t.Fatalf("%s has not started", serverName(n))
	}
}

// measure waits until events are acknowledged again, and their rows are in the tables.
func (c *cluster) measure(since time.Time) {
	c.t.Helper()
	c.awaitAcknowledged(1)
	c.times["events acknowledged again"] = append(c.times["events acknowledged again"], time.Since(since))
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	end, err := c.logAccess().end(ctx)
	if err == nil {
		err = c.caughtUp(ctx, end)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.times["their rows in the tables"] = append(c.times["their rows in the tables"], time.Since(since))
}

// withoutLease begins to look whether serve holds the projector's lease; end returns for how long it did not.
func (c *cluster) withoutLease() (end func() time.Duration) {
	stop, longest := make(chan struct{}), make(chan time.Duration)
	go func() {
		var most time.Duration
		held := time.Now()
		for {
			if c.projects() {
				held = time.Now()
			}
			most = max(most, time.Since(held))
			select {
			case <-stop:
				longest <- most
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	return func() time.Duration { close(stop); return <-longest }
}

// killLeader kills the server that leads a stream. Two of three go on without it, and doctor says that it is missing.
func (c *cluster) killLeader(what, stream string, js jetstream.JetStream) string {
	n := c.leader(js, stream)
	since, lease := time.Now(), c.withoutLease()
	c.down(n)
	c.measure(since)
	c.times["longest without the lease"] = append(c.times["longest without the lease"], lease())
	c.diagnosed(fmt.Sprintf("FAIL  copies: server %s of the cluster soak does not run or cannot be reached, so", serverName(n)))
	c.up(n)
	return what + " killed"
}

// diagnosed waits until doctor says something.
func (c *cluster) diagnosed(want string) {
	c.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Second) {
		output, err := c.run(nil, "doctor")
		if strings.Contains(output, want) && (err != nil || !strings.HasPrefix(want, "FAIL")) {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("doctor does not say %q (%v):\n%s", want, err, output)
		}
	}
}

// killFollower kills a server that does not lead the log.
func (c *cluster) killFollower() string {
	n := (c.leader(c.js(false), eventlog.EventsStream) + 1 + c.dice.IntN(2)) % 3
	since := time.Now()
	c.down(n)
	c.measure(since)
	c.up(n)
	return "another server killed"
}

// killTwo kills two servers: the third accepts nothing alone. With the second one everything continues.
func (c *cluster) killTwo() string {
	left := c.dice.IntN(3)
	first, second := (left+1)%3, (left+2)%3
	c.down(first, second)
	c.awaitRefused()
	c.t.Logf("/readyz says of nats: %s", c.awaitMissing("nats", ""))
	before := c.acknowledged()
	time.Sleep(3 * time.Second)
	if more := c.acknowledged() - before; more > 0 {
		c.t.Errorf("%d events were acknowledged while one of three servers ran", more)
	}
	since := time.Now()
	c.up(first)
	c.awaitAcknowledged(1)
	c.times["events acknowledged when the second of three is back,"] = append(c.times["events acknowledged when the second of three is back,"], time.Since(since))
	c.up(second)
	return "two servers killed at once"
}

// killAll kills all servers.
func (c *cluster) killAll() string {
	c.down(0, 1, 2)
	c.awaitRefused()
	var ready []<-chan string
	for _, in := range c.servers {
		ready = append(ready, in.launch())
	}
	for n, in := range c.servers {
		in.awaitReady(ready[n])
	}
	return "all servers killed at once"
}

// killInTurns kills each server as soon as the one before is back, and has no time to catch up.
func (c *cluster) killInTurns() string {
	for range 2 {
		for n := range c.servers {
			c.down(n)
			time.Sleep(time.Duration(c.dice.Int64N(int64(2 * time.Second))))
			c.up(n)
		}
	}
	return "servers killed in turns"
}
