package sink

import (
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
)

func TestAddressesChooseTheProtocol(t *testing.T) {
	for url, want := range map[string]struct {
		protocol clickhouse.Protocol
		tls      bool
	}{
		"clickhouse://h:9000":             {clickhouse.Native, false},
		"tcp://h:9000":                    {clickhouse.Native, false},
		"clickhouse://h:9440?secure=true": {clickhouse.Native, true},
		"http://h:8123":                   {clickhouse.HTTP, false},
		"https://h:8443":                  {clickhouse.HTTP, true},
	} {
		options, err := Server{URL: url, User: "u", Password: "p"}.options()
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if options.Protocol != want.protocol || (options.TLS != nil) != want.tls {
			t.Errorf("%s: protocol %v, TLS %v", url, options.Protocol, options.TLS != nil)
		}
		if options.Auth.Username != "u" || options.Auth.Password != "p" || options.Auth.Database != "" {
			t.Errorf("%s: %+v", url, options.Auth)
		}
	}
}

func TestAddressesMayCarryUserAndSettings(t *testing.T) {
	options, err := Server{URL: "clickhouse://u:p@h:9000/db?insert_quorum=2&insert_deduplicate=1"}.options()
	if err != nil {
		t.Fatal(err)
	}
	if options.Auth.Username != "u" || options.Auth.Password != "p" {
		t.Errorf("user is %q", options.Auth.Username)
	}
	for name, want := range map[string]any{"insert_quorum": 2, "insert_deduplicate": 1, "async_insert": 0} {
		if options.Settings[name] != want {
			t.Errorf("%s is %v", name, options.Settings[name])
		}
	}
}

func TestAddressesWithoutMeaningAreRefused(t *testing.T) {
	for _, url := range []string{"", "h:9000", "http://", "ftp://h", "http://h:8123?read_timeout=x", "://"} {
		if _, err := (Server{URL: url}).options(); err == nil {
			t.Errorf("%q is taken", url)
		}
	}
}

func TestAnAddressOfSeveralServersIsRefused(t *testing.T) {
	for _, url := range []string{
		"clickhouse://a,b:9000", "http://a,b:8123", "https://a,b:8443", "tcp://a:9000?hosts=b:9000", "clickhouse://a:9000?alt_hosts=b:9000,c:9000",
	} {
		if _, err := (Server{URL: url}).options(); err == nil || !strings.Contains(err.Error(), "one server") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestAWrongPasswordIsAnImmediateError(t *testing.T) {
	server := enginetest.ClickHouse(t)
	_, err := Dial(t.Context(), Server{URL: "http://" + server.Addr, User: server.Writer.Name, Password: "wrong"})
	if err == nil || temporary(err) {
		t.Errorf("error is %v", err)
	}
}
