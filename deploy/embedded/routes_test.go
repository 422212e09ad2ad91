package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parley-analytics/parley/deploy/embedded"
	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
)

// inCluster makes a stream of which every server has a copy, and waits until that is so.
func inCluster(t *testing.T, js jetstream.JetStream, config jetstream.StreamConfig) {
	t.Helper()
	config.Replicas = 3
	eventually(t, "stream "+config.Name+" has a copy on every server", func() bool {
		stream, err := js.CreateStream(t.Context(), config)
		if err != nil {
			return false
		}
		copies := stream.CachedInfo().Cluster.Replicas
		return len(copies) == 2 && !slices.ContainsFunc(copies, func(peer *jetstream.PeerInfo) bool { return !peer.Current })
	})
}

func TestReadersReadThroughEveryServerOfACluster(t *testing.T) {
	servers := enginetest.NATSCluster(t)
	_, js := connect(t, servers[0])
	inCluster(t, js, jetstream.StreamConfig{Name: eventsStream, Subjects: []string{"parley.events.0"}})
	if _, err := js.Publish(t.Context(), "parley.events.0", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	for n, server := range servers {
		conn, denied := as(t, server, server.Users.Reader)
		read, err := jetstream.New(conn)
		if err != nil {
			t.Fatal(err)
		}
		consumer, err := read.CreateOrUpdateConsumer(t.Context(), eventsStream, jetstream.ConsumerConfig{AckPolicy: jetstream.AckNonePolicy})
		if err != nil {
			t.Fatalf("through server %d: %v", n, err)
		}
		messages, err := consumer.Fetch(1, jetstream.FetchMaxWait(10*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		for m := range messages.Messages() {
			if string(m.Data()) != "{}" {
				t.Errorf("through server %d: %s", n, m.Data())
			}
		}
		if messages.Error() != nil || denied.Load() > 0 {
			t.Errorf("through server %d: %v, %d times denied", n, messages.Error(), denied.Load())
		}
		stream, err := js.Stream(t.Context(), eventsStream)
		if err != nil || stream.CachedInfo().State.Consumers != n+1 {
			t.Errorf("%d consumers after %d readers (%v)", stream.CachedInfo().State.Consumers, n+1, err)
		}
	}
}

func TestPublishersReachIngestThroughEveryServerOfACluster(t *testing.T) {
	servers := enginetest.NATSCluster(t)
	own, _ := as(t, servers[0], servers[0].Users.Log)
	if _, err := own.QueueSubscribe("parley.publish.*", "parley-ingest", func(m *nats.Msg) { _ = m.Respond([]byte("taken")) }); err != nil {
		t.Fatal(err)
	}
	for n, server := range servers {
		conn, _ := as(t, server, server.Users.Publisher)
		eventually(t, fmt.Sprint("the servers have found each other, an answer through server ", n), func() bool {
			answer, err := conn.Request("parley.publish.c1", []byte("{}"), time.Second)
			return err == nil && string(answer.Data) == "taken"
		})
	}
}

// free returns an address that nothing listens on.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// joining is a server that joins the cluster of others.
func joining(t *testing.T, change func(*embedded.NATSConfig)) (*embedded.NATS, error) {
	t.Helper()
	config := embedded.NATSConfig{Dir: t.TempDir(), Users: embedded.NewCredentials().NATS, Cluster: &embedded.NATSCluster{
		Name: "test", Server: "n9", Listen: free(t), Routes: []string{free(t)}, Password: "of the test",
	}}
	change(&config)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	n, err := embedded.StartNATS(ctx, config)
	if err == nil {
		t.Cleanup(n.Shutdown)
	}
	return n, err
}

func TestServersOfAClusterRefuseWhatTheyCannotUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for want, change := range map[string]func(*embedded.NATSConfig){
		"names of the cluster and of the server must be": func(c *embedded.NATSConfig) { c.Cluster.Server = "n 9" },
		"the password of the cluster is required":        func(c *embedded.NATSConfig) { c.Cluster.Password = "" },
		"a port that they know":                          func(c *embedded.NATSConfig) { c.Cluster.Listen = "127.0.0.1:0" },
		"addresses of the servers of the cluster":        func(c *embedded.NATSConfig) { c.Cluster.Routes = nil },
		`the NATS route "n1" is not HOST:PORT`:           func(c *embedded.NATSConfig) { c.Cluster.Routes = []string{"n1"} },
		"is already in use":                              func(c *embedded.NATSConfig) { c.Cluster.Listen = taken.Addr().String() },
	} {
		if _, err := joining(t, change); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, not %q", err, want)
		}
	}
}

// A cluster deletes the streams that it does not know, and a server alone does not know what a majority has agreed on.
func TestAFolderBelongsToAServerAloneOrToOneOfACluster(t *testing.T) {
	s := enginetest.NATS(t)
	_, js := connect(t, s)
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	if _, err := joining(t, func(c *embedded.NATSConfig) { c.Dir = s.Dir }); err == nil || !strings.Contains(err.Error(), "which a cluster would delete") {
		t.Errorf("a server that was alone joins a cluster: %v", err)
	}
	if _, err := os.Stat(filepath.Join(s.Dir, "jetstream", "$G", "streams", "S")); err != nil {
		t.Error(err)
	}

	member := enginetest.NATSCluster(t)[0]
	member.Stop()
	_, err := joining(t, func(c *embedded.NATSConfig) { c.Dir, c.Cluster = member.Dir, nil })
	if err == nil || !strings.Contains(err.Error(), "belongs to a server of a cluster") {
		t.Errorf("a server of a cluster starts alone: %v", err)
	}
}

func TestServersWithAnotherPasswordDoNotJoin(t *testing.T) {
	servers := enginetest.NATSCluster(t)
	_, js := connect(t, servers[0])
	inCluster(t, js, jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}})
	for password, joins := range map[string]bool{"another": false, "of the test": true} {
		n, err := joining(t, func(c *embedded.NATSConfig) {
			c.Cluster.Password, c.Cluster.Routes, c.Users = password, servers[0].Routes(), servers[0].Users
		})
		if err != nil {
			t.Fatal(err)
		}
		conn, err := nats.Connect(n.URL(), nats.UserInfo(servers[0].User, servers[0].Password))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		found := errors.New("not asked")
		for deadline := time.Now().Add(5 * time.Second); found != nil && time.Now().Before(deadline); {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			own, err := jetstream.New(conn)
			if err != nil {
				t.Fatal(err)
			}
			_, found = own.Stream(ctx, "S")
			cancel()
		}
		if joins != (found == nil) {
			t.Errorf("with the password %q: %v", password, found)
		}
	}
}
