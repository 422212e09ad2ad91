package outgoing

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"github.com/parley-analytics/parley/schema/endpoint"
)

const (
	// AnswerTimeout limits a request, from the dial to the end of the answer.
	AnswerTimeout = 10 * time.Second
	// maxAnswer is the maximum number of bytes read of an answer's body.
	maxAnswer = 64 << 10
)

// target is the receiver of a webhook.
type target struct {
	url    string
	key    []byte
	client *http.Client
}

func newTarget(hook *Hook) (*target, error) {
	key, err := hook.key()
	if err != nil {
		return nil, fmt.Errorf("secret: %w", err)
	}
	dialer := &net.Dialer{Timeout: AnswerTimeout}
	if !hook.AllowPrivate {
		// Control sees the address that is actually dialled, so a name cannot resolve to another one in between.
		dialer.Control = func(_, address string, _ syscall.RawConn) error { return public(address) }
	}
	return &target{url: hook.URL, key: key, client: &http.Client{
		Transport: &http.Transport{ // without a proxy
			DialContext: dialer.DialContext, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute,
			TLSHandshakeTimeout: AnswerTimeout, MaxResponseHeaderBytes: maxAnswer,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// laterError is an answer with a Retry-After.
type laterError struct {
	error
	after time.Duration
}

// post sends a payload. Without an error the receiver has accepted it; status is 0 without an
// answer. Errors contain no address; an answer of 429 or 503 with Retry-After is a laterError.
func (t *target) post(ctx context.Context, id string, now time.Time, body []byte) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, AnswerTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, bytes.NewReader(body))
	if err != nil {
		return 0, errors.New("the URL is not usable")
	}
	at := strconv.FormatInt(now.Unix(), 10)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "parley")
	request.Header.Set("webhook-id", id)
	request.Header.Set("webhook-timestamp", at)
	request.Header.Set("webhook-signature", "v1,"+sign(t.key, id, at, body))
	response, err := t.client.Do(request)
	if err != nil {
		return 0, reason(err)
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode >= 300 && response.StatusCode < 400:
		return response.StatusCode, errors.New("redirects are not followed")
	case response.StatusCode < 200 || response.StatusCode > 299:
		err := errors.New(http.StatusText(response.StatusCode))
		if response.StatusCode == http.StatusTooManyRequests || response.StatusCode == http.StatusServiceUnavailable {
			if after, given := endpoint.ReadRetryAfter(response.Header, now); given {
				return response.StatusCode, laterError{err, after}
			}
		}
		return response.StatusCode, err
	}
	if _, err := io.CopyN(io.Discard, response.Body, maxAnswer); err != nil && !errors.Is(err, io.EOF) {
		return response.StatusCode, fmt.Errorf("the answer broke off: %w", reason(err))
	}
	return response.StatusCode, nil
}

// reason returns an error without the URL, which may contain a secret.
func reason(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		err = of.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no complete answer within %s", AnswerTimeout)
	}
	return err
}

// sign returns the v1 signature of Standard Webhooks.
func sign(key []byte, id, at string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + at + "."))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// reserved are the ranges without public receivers that netip does not know, and those that embed an IPv4 address.
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("::/96"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("fec0::/10"),
}

// public refuses addresses that are not public.
func public(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return errors.New("the address is not usable")
	}
	ip := at.Addr().Unmap().WithZone("")
	private := !ip.IsGlobalUnicast() || ip.IsPrivate()
	for _, prefix := range reserved {
		private = private || prefix.Contains(ip)
	}
	if private {
		return errors.New("the host is at an address that is not public; add the webhook with --allow-private if that is intended")
	}
	return nil
}
