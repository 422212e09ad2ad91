package embedded

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"

	"github.com/nats-io/nats-server/v2/server"
)

// clusterUser is the name with which the servers of a cluster connect to each other.
const clusterUser = "parley_cluster"

// routeTimeout is how long two servers of a cluster may take to encrypt their connection, in seconds.
const routeTimeout = 10

// NATSCluster makes a server one of a cluster, in which streams may have several copies.
type NATSCluster struct {
	// Name of the cluster, the same for all its servers.
	Name string
	// Server is the name of this server: no other server of the cluster has it, and it stays the same, because copies of streams
	// belong to it.
	Server string
	// Listen is the HOST:PORT for the other servers. They must know the port, so it is not 0.
	Listen string
	// Routes are the addresses, HOST:PORT, of the servers of the cluster. That of this server may be among them.
	Routes []string
	// Password is what the servers recognise each other by, the same for all.
	Password string
	// TLS, if given, encrypts the connections between the servers, in both directions.
	TLS *tls.Config
}

// clusterName matches names that are one token of a subject: copies of streams, and how they are asked for, are named after them.
var clusterName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// join adds the cluster to the options of a server. It refuses a folder that belongs to a server of another kind: one that joins a
// cluster deletes the streams that the cluster does not know.
func (c *NATSCluster) join(ctx context.Context, options *server.Options) error {
	was, err := wasClustered(options.StoreDir)
	switch {
	case err != nil:
		return fmt.Errorf("embedded nats: %w", err)
	case c == nil && was == inCluster:
		return fmt.Errorf("embedded nats: %s belongs to a server of a cluster: start it with the options of the cluster, or choose another data dir", options.StoreDir)
	case c == nil:
		return nil
	case was == alone:
		return fmt.Errorf("embedded nats: %s holds the streams of a server that was alone, which a cluster would delete: choose an empty data dir, and bring the events over with `parley export events` and `parley import`", options.StoreDir)
	}
	if !clusterName.MatchString(c.Name) || !clusterName.MatchString(c.Server) {
		return errors.New("embedded nats: the names of the cluster and of the server must be 1 to 64 letters, digits, - and _")
	}
	if c.Password == "" {
		return errors.New("embedded nats: the password of the cluster is required")
	}
	host, port, err := splitListen("NATS cluster", c.Listen)
	if err != nil {
		return err
	}
	if port == 0 {
		return errors.New("embedded nats: the address for the other servers of the cluster must have a port that they know, not 0")
	}
	if err := checkPort(ctx, "NATS cluster", host, port); err != nil {
		return err
	}
	if len(c.Routes) == 0 {
		return errors.New("embedded nats: the addresses of the servers of the cluster are required")
	}
	options.Routes = nil
	for _, route := range c.Routes {
		if _, port, err := splitListen("NATS route", route); err != nil || port == 0 {
			return fmt.Errorf("the NATS route %q is not HOST:PORT", route)
		}
		options.Routes = append(options.Routes, &url.URL{Scheme: "nats-route", Host: route, User: url.UserPassword(clusterUser, c.Password)})
	}
	options.ServerName = c.Server
	options.Cluster = server.ClusterOpts{
		Name: c.Name, Host: host, Port: port, Username: clusterUser, Password: c.Password, TLSConfig: c.TLS, TLSTimeout: routeTimeout,
	}
	return nil
}

// kind is what the streams of a folder belong to.
type kind int

const (
	nobody    kind = iota // there are none
	alone                 // a server without others
	inCluster             // a server of a cluster
)

// wasClustered looks at the files of a server.
func wasClustered(dir string) (kind, error) {
	dir = filepath.Join(dir, server.JetStreamStoreDir)
	_, err := os.Stat(filepath.Join(dir, server.DEFAULT_SYSTEM_ACCOUNT, "_js_", "_meta_"))
	if err == nil {
		return inCluster, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nobody, err
	}
	streams, err := filepath.Glob(filepath.Join(dir, "*", "streams", "*"))
	if err != nil || len(streams) == 0 {
		return nobody, err
	}
	return alone, nil
}
