package auth_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/parley-analytics/parley/query/auth"
)

// attempt makes one and returns the status and Retry-After.
func (r *rig) attempt(form url.Values, edit ...func(*http.Request)) (status int, retryAfter string) {
	r.t.Helper()
	response, body := r.post("/oauth2/token", form, edit...)
	if response.StatusCode == http.StatusTooManyRequests && body["error"] == "" {
		r.t.Errorf("429 without an error: %v", body)
	}
	return response.StatusCode, response.Header.Get("Retry-After")
}

func TestTheEleventhAttemptOfAMinuteIsRefusedWhateverTheOutcome(t *testing.T) {
	wrong := func(form url.Values) url.Values {
		form.Set("password", "wrong horse")
		form.Set("client_secret", "pks_wrong")
		return form
	}
	for name, form := range map[string]func(r *rig, key auth.Key, n int) url.Values{
		"right passwords": func(*rig, auth.Key, int) url.Values { return passwordForm("a@example.org", "correct horse") },
		"wrong passwords": func(*rig, auth.Key, int) url.Values { return passwordForm("a@example.org", "wrong horse") },
		"other spellings": func(_ *rig, _ auth.Key, n int) url.Values {
			return passwordForm([]string{" a@example.org", "A@EXAMPLE.ORG"}[n%2], "x")
		},
		"unknown user":  func(*rig, auth.Key, int) url.Values { return passwordForm("nobody@example.org", "x") },
		"right secrets": func(_ *rig, key auth.Key, _ int) url.Values { return clientForm(key) },
		"wrong secrets": func(_ *rig, key auth.Key, _ int) url.Values { return wrong(clientForm(key)) },
		"unknown client": func(*rig, auth.Key, int) url.Values {
			return clientForm(auth.Key{ID: "key_nobody", Secret: "x"})
		},
		"both": func(_ *rig, key auth.Key, n int) url.Values {
			if n%2 == 0 {
				return wrong(clientForm(key))
			}
			return clientForm(key)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			key := r.key(everything, "all")
			r.user("a@example.org", "correct horse")
			for n := range 10 {
				if status, _ := r.attempt(form(r, key, n), from(fmt.Sprintf("192.0.2.%d:1", n+1))); status == 429 {
					t.Fatalf("attempt %d is refused", n+1)
				}
				r.clock.advance(time.Second)
			}
			if status, wait := r.attempt(form(r, key, 10), from("192.0.2.99:1")); status != 429 || wait != "50" {
				t.Fatalf("attempt 11: %d, Retry-After %q", status, wait)
			}
			// Refused attempts do not count: after the reported time, there is one more.
			r.clock.advance(50 * time.Second)
			if status, _ := r.attempt(form(r, key, 11)); status == 429 {
				t.Error("waiting was not enough")
			}
			if status, wait := r.attempt(form(r, key, 12)); status != 429 || wait != "1" {
				t.Errorf("%d, Retry-After %q", status, wait)
			}
			// Other callers are not held up.
			if status, _ := r.attempt(clientForm(r.key(everything, "all"))); status != 200 {
				t.Errorf("another client: %d", status)
			}
		})
	}
}

func TestRefreshesCountForTheirUser(t *testing.T) {
	r := newRig(t)
	r.user("a@example.org", "correct horse")
	_, refresh := r.token(passwordForm("a@example.org", "correct horse"))
	for range 9 {
		_, refresh = r.token(refreshForm(refresh))
	}
	if status, _ := r.attempt(refreshForm(refresh)); status != 429 {
		t.Fatalf("status %d", status)
	}
	r.clock.advance(time.Minute)
	r.token(refreshForm(refresh)) // the refused attempt did not use it up
}

func TestTheHundredAndFirstAttemptOfAnAddressIsRefused(t *testing.T) {
	r := newRig(t)
	for n := range 100 {
		if status, _ := r.attempt(passwordForm(strconv.Itoa(n)+"@example.org", "x"), from("192.0.2.7:"+strconv.Itoa(1000+n))); status != 400 {
			t.Fatalf("attempt %d: %d", n+1, status)
		}
	}
	if status, wait := r.attempt(url.Values{}, from("192.0.2.7:1")); status != 429 || wait != "60" {
		t.Errorf("%d, Retry-After %q", status, wait)
	}
	noForm := func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }
	if status, _ := r.attempt(url.Values{}, from("192.0.2.7:1"), noForm); status != 429 {
		t.Errorf("a body that is not a form: %d", status)
	}
	if status, _ := r.attempt(url.Values{}, from("192.0.2.8:1")); status != 400 {
		t.Errorf("another address: %d", status)
	}
	// The header of a peer that nobody trusts makes no difference.
	forged := func(r *http.Request) { r.Header.Set("X-Forwarded-For", "198.51.100.1") }
	if status, _ := r.attempt(url.Values{}, from("192.0.2.7:1"), forged); status != 429 {
		t.Errorf("with a forged header: %d", status)
	}
}

func TestIPv6SendersAreCountedByNetwork(t *testing.T) {
	r := newRig(t)
	for n := range 100 {
		r.attempt(url.Values{}, from(fmt.Sprintf("[2001:db8:0:1::%x]:1", n+1)))
	}
	if status, _ := r.attempt(url.Values{}, from("[2001:db8:0:1:ffff::1]:1")); status != 429 {
		t.Errorf("the same network: %d", status)
	}
	if status, _ := r.attempt(url.Values{}, from("[2001:db8:0:2::1]:1")); status != 400 {
		t.Errorf("another network: %d", status)
	}
}

func TestLimiterRemembersABoundedNumberOfNames(t *testing.T) {
	c := &clock{at: time.Unix(0, 0)}
	l := auth.NewLimiter(1, time.Minute, 3, c.now)
	for _, name := range []string{"a", "b", "c", "d"} {
		if _, ok := l.Allow(name); !ok {
			t.Fatal(name)
		}
	}
	if _, ok := l.Allow("d"); ok {
		t.Error("d is allowed twice")
	}
	if _, ok := l.Allow("a"); !ok {
		t.Error("a, the oldest, was not forgotten")
	}
}

func TestSenderIsTheDirectPeerUnlessAProxyIsTrusted(t *testing.T) {
	proxies := auth.Proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, c := range map[string]struct {
		proxies   auth.Proxies
		peer      string
		forwarded []string
		want      string
	}{
		"nothing trusted":       {nil, "10.0.0.1:80", []string{"198.51.100.1"}, "10.0.0.1"},
		"a stranger's header":   {proxies, "192.0.2.1:80", []string{"198.51.100.1"}, "192.0.2.1"},
		"one proxy":             {proxies, "10.0.0.1:80", []string{"198.51.100.1"}, "198.51.100.1"},
		"two proxies":           {proxies, "10.0.0.1:80", []string{"198.51.100.1, 10.9.9.9"}, "198.51.100.1"},
		"two fields":            {proxies, "10.0.0.1:80", []string{"198.51.100.1", "10.9.9.9"}, "198.51.100.1"},
		"what the sender wrote": {proxies, "10.0.0.1:80", []string{"203.0.113.9, 198.51.100.1"}, "198.51.100.1"},
		"garbage":               {proxies, "10.0.0.1:80", []string{"198.51.100.1, x"}, "10.0.0.1"},
		"no header":             {proxies, "10.0.0.1:80", nil, "10.0.0.1"},
		"mapped":                {nil, "[::ffff:192.0.2.1]:80", nil, "192.0.2.1"},
		"IPv6 proxy":            {proxies, "[fd00::1]:80", []string{"2001:db8::1"}, "2001:db8::1"},
	} {
		request := &http.Request{RemoteAddr: c.peer, Header: http.Header{"X-Forwarded-For": c.forwarded}}
		if got := c.proxies.Sender(request).String(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
