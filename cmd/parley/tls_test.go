package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/parley-analytics/parley/cmd/internal/certificate/certificatetest"
	"github.com/parley-analytics/parley/deploy/embedded"
	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/query/auth"
)

// trusting is the TLS configuration of a client that trusts an authority, and presents the certificates.
func trusting(t *testing.T, authority *certificatetest.Authority, own ...certificatetest.Pair) *tls.Config {
	t.Helper()
	content, err := os.ReadFile(authority.File)
	if err != nil {
		t.Fatal(err)
	}
	c := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	c.RootCAs.AppendCertsFromPEM(content)
	for _, p := range own {
		pair, err := tls.LoadX509KeyPair(p.Cert, p.Key)
		if err != nil {
			t.Fatal(err)
		}
		c.Certificates = append(c.Certificates, pair)
	}
	return c
}

// get asks over TLS and returns the answer.
func get(t *testing.T, config *tls.Config, address string) answer {
	t.Helper()
	response, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: config}, Timeout: seenWithin}).Get(address)
	if err != nil {
		t.Fatal(err)
	}
	return answerOf(t, response)
}

func TestEveryListenerSpeaksTLS(t *testing.T) {
	const project = 7434
	authority, stranger := certificatetest.New(t), certificatetest.New(t)
	end := time.Now().Add(40 * 24 * time.Hour)
	own, client, strange := authority.Issue(t, end), authority.Issue(t, end), stranger.Issue(t, end)
	i := start(t, t.TempDir(), "--tls-cert", own.Cert, "--tls-key", own.Key, "--nats-client-ca", authority.File)
	trusted := trusting(t, authority)

	t.Run("HTTP", func(t *testing.T) {
		ready := get(t, trusted, i.where.HTTP+"/readyz")
		if ready.status != http.StatusOK || ready.header.Get("Strict-Transport-Security") != "max-age=31536000" {
			t.Errorf("%s %v", ready, ready.header)
		}
		response, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: trusted}}).PostForm(i.where.HTTP+auth.SessionPath,
			url.Values{"client_id": {i.admin.ID}, "client_secret": {i.admin.Secret}})
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if cookies := response.Cookies(); len(cookies) != 1 || !cookies[0].Secure {
			t.Errorf("%s: cookies %v", response.Status, cookies)
		}
		if plain := get(t, nil, strings.Replace(i.where.HTTP, "https", "http", 1)+"/readyz"); plain.status != http.StatusBadRequest {
			t.Errorf("without TLS: %s", plain)
		}
		old := trusted.Clone()
		old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		if conn, err := tls.Dial("tcp", strings.TrimPrefix(i.where.HTTP, "https://"), old); err == nil {
			conn.Close()
			t.Error("TLS 1.1 is accepted")
		}
		expiry := "parley_certificate_expiry_timestamp_seconds " + strconv.FormatFloat(float64(end.Unix()), 'g', -1, 64)
		if metrics := get(t, trusted, i.where.HTTP+"/metrics"); !strings.Contains(string(metrics.body), expiry) {
			t.Errorf("the metrics lack %s", expiry)
		}
	})
	t.Run("ClickHouse", func(t *testing.T) {
		if ping := get(t, trusted, i.where.ClickHouse.HTTP+"/ping"); !strings.HasPrefix(i.where.ClickHouse.HTTP, "https://") || ping.status != http.StatusOK {
			t.Errorf("%s: %s", i.where.ClickHouse.HTTP, ping)
		}
	})
	t.Run("NATS", func(t *testing.T) {
		connect := func(config *tls.Config) error {
			conn, err := nats.Connect(i.where.NATS.URL, nats.UserInfo(i.where.NATS.User, i.where.NATS.Password), nats.Secure(config))
			if err == nil {
				conn.Close()
			}
			return err
		}
		if err := connect(trusting(t, authority, client)); err != nil {
			t.Errorf("with a certificate: %v", err)
		}
		for name, config := range map[string]*tls.Config{
			"without a certificate":        trusted,
			"a certificate of a stranger":  trusting(t, authority, strange),
			"not trusting the server's CA": trusting(t, stranger, client),
		} {
			if err := connect(config); err == nil {
				t.Errorf("%s: accepted", name)
			}
		}
	})
	t.Run("commands", func(t *testing.T) {
		lines := strings.Join(exampleLines(t, project), "\n")
		for _, c := range []struct {
			stdin, want string
			arguments   []string
		}{
			{lines, "11 accepted", []string{"import", "-"}},
			{"", "first key", []string{"key", "list"}},
			{"", "ok    certificate: ", []string{"doctor"}},
			{"", "verified", []string{"verify"}},
			{"", "https://", []string{"endpoints"}},
			{"", "conversation_id", []string{"export", "conversations", "--format", "csv"}},
			{"", "tls-guest", []string{"bi-user", "add", "--name", "tls-guest", "--projects", fmt.Sprint(project)}},
		} {
			if stdout, stderr, code := i.command(t, c.stdin, c.arguments...); code != exitOK || !strings.Contains(stdout, c.want) {
				t.Errorf("%v: exit %d\n%s%s", c.arguments, code, stdout, stderr)
			}
		}
		page, _, _ := i.command(t, "", "endpoints")
		if printed := pasted(t, page); !strings.HasPrefix(printed, `{"data":{"searchClosedConversations"`) {
			t.Errorf("the commands of the page print %s", printed)
		}
		if _, stderr, code := runHere(t, "probe", "--tls-cert", own.Cert, i.where.HTTP+"/healthz"); code != exitOK {
			t.Errorf("probe: exit %d, %s", code, stderr)
		}
		if _, stderr, code := runHere(t, "probe", "--tls-cert", client.Cert, i.where.HTTP+"/readyz"); code != exitFailed || !strings.Contains(stderr, "another certificate") {
			t.Errorf("probe of another certificate: exit %d, %s", code, stderr)
		}
	})
	t.Run("renewal", func(t *testing.T) {
		later := end.Add(-24 * time.Hour).Truncate(time.Second)
		seen := func() time.Time {
			conn, err := tls.Dial("tcp", strings.TrimPrefix(i.where.HTTP, "https://"), trusted)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			return conn.ConnectionState().PeerCertificates[0].NotAfter
		}
		if err := os.WriteFile(own.Cert, []byte("half written"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := seen(); !got.Equal(end.Truncate(time.Second)) {
			t.Errorf("after an unusable file the certificate ends at %v", got)
		}
		authority.Renew(t, own, later)
		if got := seen(); !got.Equal(later) {
			t.Errorf("the renewed certificate ends at %v, not %v", got, later)
		}
		if _, stderr, code := i.command(t, "", "key", "list"); code != exitOK {
			t.Errorf("after the renewal: exit %d, %s", code, stderr)
		}
	})
}

func TestEnginesElsewhereAreUsedOverTLS(t *testing.T) {
	const project = 7435
	authority, stranger := certificatetest.New(t), certificatetest.New(t)
	end := time.Now().Add(24 * time.Hour)
	server, client := authority.Issue(t, end), authority.Issue(t, end)
	e := &processes{t: t, natsDir: t.TempDir(), clickHouseDir: t.TempDir(), secrets: map[string]string{}}
	for _, name := range []string{"log", "private", "writer", "reader", "bi"} {
		e.secrets[name] = secretFile(t, name+"-password-of-this-test")
	}
	e.start("--tls-cert", server.Cert, "--tls-key", server.Key)
	nats := engine(t, t.TempDir(), "nats", "--password-file", e.secrets["log"], "--private-password-file", e.secrets["private"],
		"--tls-cert", server.Cert, "--tls-key", server.Key, "--client-ca", authority.File)
	e.nats.terminate(t)
	e.nats = nats
	if !strings.HasPrefix(e.nats.where.HTTP, "tls://") || !strings.HasPrefix(e.clickHouse.where.HTTP, "https://") {
		t.Errorf("engines at %s and %s", e.nats.where.HTTP, e.clickHouse.where.HTTP)
	}
	trusted := []string{"--nats-ca", authority.File, "--clickhouse-ca", authority.File}
	presenting := []string{"--nats-cert", client.Cert, "--nats-key", client.Key}
	i := start(t, t.TempDir(), append(append(e.flags(), trusted...), presenting...)...)
	i.post(t, exampleLines(t, project)...)
	i.where.ClickHouse.BI = embedded.User{Name: "parley_bi", Password: "bi-password-of-this-test"}
	for _, arguments := range [][]string{{"verify"}, {"key", "list"}} { // they find the engines by the data dir
		if stdout, stderr, code := i.command(t, "", arguments...); code != exitOK {
			t.Errorf("%v: exit %d\n%s%s", arguments, code, stdout, stderr)
		}
	}
	for name, c := range map[string]struct {
		want  string
		flags []string
	}{
		"no client certificate": {"certificate required", trusted},
		"another CA":            {"certificate signed by unknown authority", append([]string{"--nats-ca", stranger.File}, presenting...)},
	} {
		_, stderr, code := runHere(t, append(append([]string{"serve", "--data-dir", t.TempDir(), "--listen", "127.0.0.1:0"}, e.flags()...), c.flags...)...)
		if code != exitFailed || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit %d, %s", name, code, stderr)
		}
	}
}

func TestACertificateThatHasExpiredIsReported(t *testing.T) {
	authority := certificatetest.New(t)
	expired := authority.Issue(t, time.Now().Add(-time.Hour))
	pair, err := tls.LoadX509KeyPair(expired.Cert, expired.Key)
	if err != nil {
		t.Fatal(err)
	}
	server := enginetest.NATS(t, func(c *embedded.NATSConfig) {
		c.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	})
	_, stderr, code := runHere(t, "ingest", "--data-dir", t.TempDir(), "--listen", "127.0.0.1:0", "--nats-url", server.URL, "--nats-ca", authority.File,
		"--nats-user", server.User, "--nats-password-file", secretFile(t, server.Password))
	if code != exitFailed || !strings.Contains(stderr, "certificate has expired") {
		t.Errorf("exit %d, %s", code, stderr)
	}
}

func TestCertificatesThatCannotBeUsedAreRefusedAtTheStart(t *testing.T) {
	authority := certificatetest.New(t)
	good, other, expired := authority.Issue(t, time.Now().Add(time.Hour)), authority.Issue(t, time.Now().Add(time.Hour)), authority.Issue(t, time.Now().Add(-time.Hour))
	open := authority.Issue(t, time.Now().Add(time.Hour))
	if err := os.Chmod(open.Key, 0o644); err != nil {
		t.Fatal(err)
	}
	for want, flags := range map[string]string{
		"--tls-cert needs --tls-key":                       "--tls-cert " + good.Cert,
		"--tls-key needs --tls-cert":                       "--tls-key " + good.Key,
		"--tls-cert: /absent does not exist":               "--tls-cert /absent --tls-key " + good.Key,
		"--tls-key: /absent does not exist":                "--tls-key /absent --tls-cert " + good.Cert,
		"private key does not match public key":            "--tls-cert " + good.Cert + " --tls-key " + other.Key,
		"expired on 20":                                    "--tls-cert " + expired.Cert + " --tls-key " + expired.Key,
		"is readable by other users (mode 644)":            "--tls-cert " + open.Cert + " --tls-key " + open.Key,
		"failed to find certificate PEM data":              "--tls-cert " + good.Key + " --tls-key " + good.Key,
		"--nats-client-ca needs --tls-cert and --tls-key":  "--nats-client-ca " + authority.File,
		"--nats-client-ca: " + good.Key + " holds no cert": "--tls-cert " + good.Cert + " --tls-key " + good.Key + " --nats-client-ca " + good.Key,
		"--nats-ca needs --nats-url":                       "--nats-ca " + authority.File,
		"--nats-cert needs --nats-key":                     "--nats-url tls://127.0.0.1:1 --nats-cert " + good.Cert,
		"--nats-ca: /absent does not exist":                "--nats-url tls://127.0.0.1:1 --nats-ca /absent",
		"--clickhouse-ca: " + good.Key + " holds no cert":  "--clickhouse-url https://127.0.0.1:1 --clickhouse-ca " + good.Key,
	} {
		_, stderr, code := runHere(t, append([]string{"serve", "--data-dir", t.TempDir(), "--listen", "127.0.0.1:0", "--nats-listen", "127.0.0.1:0", "--clickhouse-http", "127.0.0.1:0"}, strings.Fields(flags)...)...)
		if code != exitFailed || !strings.Contains(stderr, want) || strings.Count(stderr, "parley: ") != 1 {
			t.Errorf("%s: exit %d, %q, not %q", flags, code, stderr, want)
		}
	}
}
