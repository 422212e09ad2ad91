package enginetest

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded"
)

// NATSCluster starts three servers of one cluster, n1, n2 and n3, with the same users, and stops them at the end of the test. They
// may not have found each other yet.
func NATSCluster(t testing.TB) []*NATSServer {
	t.Helper()
	routes := freeAddresses(t, 3)
	users := embedded.NewCredentials().NATS
	var servers []*NATSServer
	for n, listen := range routes {
		s := &NATSServer{User: users.Log.Name, Password: users.Log.Password, Users: users, Dir: t.TempDir()}
		s.config = embedded.NATSConfig{Dir: s.Dir, Users: users, SyncInterval: time.Minute, Cluster: &embedded.NATSCluster{
			Name: "test", Server: fmt.Sprintf("n%d", n+1), Listen: listen, Routes: routes, Password: "of the test",
		}}
		s.start(t)
		t.Cleanup(func() { s.server.Shutdown() })
		servers = append(servers, s)
	}
	noteNATS("NATS embedded, as a cluster")
	return servers
}

// Routes are the addresses at which the servers of the cluster find each other.
func (s *NATSServer) Routes() []string { return s.config.Cluster.Routes }

// freeAddresses returns addresses that nothing listens on.
func freeAddresses(t testing.TB, count int) (all []string) {
	t.Helper()
	for range count {
		free, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer free.Close()
		all = append(all, free.Addr().String())
	}
	return all
}
