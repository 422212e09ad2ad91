package engines

import (
	"context"
	"fmt"
	"os"

	"github.com/parley-analytics/parley/cmd/internal/certificate"
	"github.com/parley-analytics/parley/cmd/internal/process"
	"github.com/parley-analytics/parley/deploy/embedded"
)

// NATSAlone are the flags of a NATS server in a process of its own.
type NATSAlone struct {
	Folder
	Listen              string `help:"Address of the NATS server; port 0 picks a free one (${default})." default:"127.0.0.1:4222" placeholder:"HOST:PORT" env:"PARLEY_ENGINE_NATS_LISTEN"`
	PasswordFile        string `help:"File with the password of parley, the user of the log." type:"path" placeholder:"FILE"`
	PrivatePasswordFile string `help:"File with the password of parley_private, the user of credentials, secrets and leases." type:"path" placeholder:"FILE"`
	certificate.Flags
	ClientCA string `name:"client-ca" help:"CA certificates (PEM). Clients must present a certificate signed by one of them." group:"TLS" type:"path" placeholder:"FILE"`
	Cluster
	LogSettings
}

// Start starts the server, adds it to the process and returns its address. It owns the data dir.
func (f *NATSAlone) Start(ctx context.Context, p *process.Process) (address string, err error) {
	users, err := own(p, &f.Folder)
	if err != nil {
		return "", err
	}
	err = given("--password-file", f.PasswordFile, &users.NATS.Log)
	if err == nil {
		err = given("--private-password-file", f.PrivatePasswordFile, &users.NATS.Private)
	}
	if err != nil {
		return "", err
	}
	pair, err := f.Flags.Load(p.Log)
	if err != nil {
		return "", err
	}
	encrypted, err := natsListener(pair, certificate.File{Flag: "--client-ca", Path: f.ClientCA})
	if err != nil {
		return "", err
	}
	cluster, err := f.Cluster.config(pair)
	if err != nil {
		return "", err
	}
	server, err := f.LogSettings.start(ctx, p, f.DataDir, embedded.NATSConfig{Listen: f.Listen, TLS: encrypted, Users: users.NATS, Cluster: cluster})
	if err != nil {
		return "", err
	}
	p.OnStop("NATS", func(context.Context) error { server.Shutdown(); return nil })
	return server.URL(), nil
}

// ClickHouseAlone are the flags of a ClickHouse in a process of its own.
type ClickHouseAlone struct {
	Folder
	Listen             string `help:"Address of ClickHouse's HTTP interface; port 0 picks a free one (${default})." default:"127.0.0.1:8123" placeholder:"HOST:PORT" env:"PARLEY_ENGINE_CLICKHOUSE_LISTEN"`
	WriterPasswordFile string `help:"File with the password of parley_writer, the user that owns the tables." type:"path" placeholder:"FILE"`
	ReaderPasswordFile string `help:"File with the password of parley_reader, the user for queries." type:"path" placeholder:"FILE"`
	BIPasswordFile     string `name:"bi-password-file" help:"File with the password of parley_bi, the user for dashboards." type:"path" placeholder:"FILE"`
	certificate.Flags
	TableSettings
}

// Start starts ClickHouse, adds it to the process and returns its address. It owns the data dir.
func (f *ClickHouseAlone) Start(ctx context.Context, p *process.Process) (address string, err error) {
	users, err := own(p, &f.Folder)
	if err != nil {
		return "", err
	}
	for _, secret := range []struct {
		flag, path string
		user       *embedded.User
	}{
		{"--writer-password-file", f.WriterPasswordFile, &users.Writer},
		{"--reader-password-file", f.ReaderPasswordFile, &users.Reader},
		{"--bi-password-file", f.BIPasswordFile, &users.BI},
	} {
		if err := given(secret.flag, secret.path, secret.user); err != nil {
			return "", err
		}
	}
	pair, err := f.Flags.Load(p.Log)
	if err != nil {
		return "", err
	}
	server, err := embedded.StartClickHouse(ctx, f.TableSettings.config(p, f.DataDir, f.Listen, users, pair))
	if err != nil {
		return "", err
	}
	p.OnStop("ClickHouse", server.Shutdown)
	return server.HTTPURL(), nil
}

// own locks a data dir for this process and returns the users kept there, with generated passwords
// for a new one.
func own(p *process.Process, folder *Folder) (embedded.Credentials, error) {
	lock, err := embedded.LockDataDir(folder.DataDir)
	if err != nil {
		return embedded.Credentials{}, err
	}
	p.OnStop("data dir", func(context.Context) error { return lock.Unlock() })
	if err := os.Chmod(folder.DataDir, 0o700); err != nil {
		return embedded.Credentials{}, fmt.Errorf("data dir: %w", err)
	}
	return embedded.LoadOrCreateCredentials(folder.DataDir)
}

// given replaces a user's password by that of the file that a flag names, if it names one.
func given(flag, path string, user *embedded.User) error {
	if path == "" {
		return nil
	}
	password, err := ReadPassword(flag, path)
	if err != nil {
		return err
	}
	if password == "" {
		return fmt.Errorf("%s: %s is empty: write the password of user %s into it", flag, path, user.Name)
	}
	user.Password = password
	return nil
}
