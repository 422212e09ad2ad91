package engines

import (
	"errors"
	"fmt"

	"github.com/parley-analytics/parley/cmd/internal/certificate"
	"github.com/parley-analytics/parley/deploy/embedded"
)

// Cluster are the flags that make a NATS server one of a cluster.
type Cluster struct {
	ClusterName         string   `help:"Name of the NATS cluster, the same for all its servers. Without it the server is alone." group:"Cluster" placeholder:"NAME"`
	ClusterServer       string   `help:"Name of this server in the cluster: unique, and the same at every start." group:"Cluster" placeholder:"NAME"`
	ClusterListen       string   `help:"Address for the other servers of the cluster (${default})." group:"Cluster" default:"127.0.0.1:6222" placeholder:"HOST:PORT"`
	ClusterRoutes       []string `help:"Addresses of the servers of the cluster, separated by commas. That of this server may be among them." group:"Cluster" placeholder:"HOST:PORT"`
	ClusterPasswordFile string   `help:"File with the password that the servers of the cluster recognise each other by." group:"Cluster" type:"path" placeholder:"FILE"`
	ClusterCA           string   `name:"cluster-ca" help:"CA certificates (PEM) that the certificates of the other servers must be signed by. Required with --tls-cert, which then also encrypts the connections between the servers." group:"Cluster" type:"path" placeholder:"FILE"`
}

// config returns the cluster that the flags describe; nil without one. The certificate of the process may be nil.
func (f *Cluster) config(pair *certificate.Pair) (*embedded.NATSCluster, error) {
	routes := ""
	if len(f.ClusterRoutes) > 0 {
		routes = f.ClusterRoutes[0]
	}
	for _, c := range []struct{ given, flag, missing, needs string }{
		{f.ClusterServer, "--cluster-server", f.ClusterName, "--cluster-name"},
		{routes, "--cluster-routes", f.ClusterName, "--cluster-name"},
		{f.ClusterPasswordFile, "--cluster-password-file", f.ClusterName, "--cluster-name"},
		{f.ClusterCA, "--cluster-ca", f.ClusterName, "--cluster-name"},
		{f.ClusterName, "--cluster-name", f.ClusterServer, "--cluster-server"},
		{f.ClusterName, "--cluster-name", routes, "--cluster-routes"},
		{f.ClusterName, "--cluster-name", f.ClusterPasswordFile, "--cluster-password-file"},
	} {
		if c.given != "" && c.missing == "" {
			return nil, fmt.Errorf("%s needs %s", c.flag, c.needs)
		}
	}
	if f.ClusterName == "" {
		return nil, nil
	}
	password, err := ReadPassword("--cluster-password-file", f.ClusterPasswordFile)
	if err != nil {
		return nil, err
	}
	if password == "" {
		return nil, fmt.Errorf("--cluster-password-file: %s is empty: write the password of the cluster into it", f.ClusterPasswordFile)
	}
	c := &embedded.NATSCluster{Name: f.ClusterName, Server: f.ClusterServer, Listen: f.ClusterListen, Routes: f.ClusterRoutes, Password: password}
	switch {
	case pair == nil && f.ClusterCA == "":
		return c, nil
	case f.ClusterCA == "":
		return nil, errors.New("--tls-cert needs --cluster-ca, because of --cluster-name")
	}
	c.TLS, err = pair.Mutual(certificate.File{Flag: "--cluster-ca", Path: f.ClusterCA})
	return c, err
}
