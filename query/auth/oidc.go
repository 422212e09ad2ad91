package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/time/rate"

	"github.com/parley-analytics/parley/schema"
)

// OIDC configures the external issuer whose tokens are accepted, and how their claims are read.
type OIDC struct {
	Issuer   string // the URL that tokens name as `iss`; its keys are found by discovery
	Audience string // what tokens must name in `aud`

	// ScopesClaim holds scopes: a string with spaces between them, or a list.
	// Default "scope". Scopes that Parley does not know are ignored.
	ScopesClaim string
	// ScopeNames maps the issuer's names to Parley's scopes. Defaults to identical names.
	ScopeNames map[string]schema.Scope
	// ProjectsClaim holds projects: a list of integers, "1,2", or "all".
	// Default "parley_projects". Without the claim the caller has none.
	ProjectsClaim string

	Client *http.Client // for discovery and keys; nil: one with a time limit
}

// foreign checks the tokens of an external issuer.
type foreign struct {
	OIDC
	signing *signing
	now     func() time.Time

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier
	failed   time.Time // the last time discovery did not work
}

// discoveryPause is the least time between two failed discoveries.
const discoveryPause = 10 * time.Second

func newForeign(c OIDC, s *signing, now func() time.Time) (*foreign, error) {
	if c.Issuer == "" || c.Issuer == issuer || c.Audience == "" {
		return nil, errors.New("auth: OIDC needs the issuer's URL and an audience")
	}
	if c.ScopesClaim == "" {
		c.ScopesClaim = "scope"
	}
	if c.ProjectsClaim == "" {
		c.ProjectsClaim = "parley_projects"
	}
	if c.Client == nil {
		c.Client = &http.Client{Timeout: 5 * time.Second}
	}
	paced := *c.Client
	paced.Transport = &pacedTransport{inner: c.Client.Transport, limiter: rate.NewLimiter(rate.Every(5*time.Second), 10), now: now}
	c.Client = &paced
	return &foreign{OIDC: c, signing: s, now: now}, nil
}

// pacedTransport limits requests to the issuer: a token with an unknown key causes another request
// for the keys, and any client can send such a token.
type pacedTransport struct {
	inner   http.RoundTripper
	limiter *rate.Limiter
	now     func() time.Time
}

// RoundTrip implements http.RoundTripper.
func (p *pacedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !p.limiter.AllowN(p.now(), 1) {
		return nil, errors.New("auth: too many requests to the OIDC issuer")
	}
	if p.inner == nil {
		return http.DefaultTransport.RoundTrip(r)
	}
	return p.inner.RoundTrip(r)
}

// authenticate checks signature, issuer, audience and times, and reads rights.
func (f *foreign) authenticate(ctx context.Context, token string) (schema.Caller, error) {
	verifier, err := f.discover()
	if err != nil {
		return schema.Caller{}, err
	}
	verified, err := verifier.Verify(oidc.ClientContext(ctx, f.Client), token)
	if expired := (*oidc.TokenExpiredError)(nil); errors.As(err, &expired) {
		return schema.Caller{}, errToken("the token has expired")
	}
	if err != nil && strings.Contains(err.Error(), "fetching keys") {
		return schema.Caller{}, fmt.Errorf("auth: the keys of the OIDC issuer: %w", err)
	}
	if err != nil {
		return schema.Caller{}, errToken("the token is not valid")
	}
	var claims map[string]json.RawMessage
	if err := verified.Claims(&claims); err != nil || verified.Subject == "" {
		return schema.Caller{}, errToken("the token is not valid")
	}
	projects, err := projectsOf(claims[f.ProjectsClaim])
	if err != nil {
		return schema.Caller{}, errToken("the token's claim of projects cannot be read")
	}
	return schema.Caller{
		ID:       f.signing.derive("oidc_", f.Issuer+"\x00"+verified.Subject),
		Scopes:   f.scopesOf(claims[f.ScopesClaim]),
		Projects: projects,
	}, nil
}

// discover finds the issuer's keys, at first use: an issuer that is down must not prevent the start.
func (f *foreign) discover() (*oidc.IDTokenVerifier, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.verifier != nil {
		return f.verifier, nil
	}
	if f.now().Sub(f.failed) < discoveryPause {
		return nil, errors.New("auth: the OIDC issuer could not be reached a moment ago")
	}
	// The provider keeps the context for later key fetches, so it is not the
	// request's; the client has a time limit of its own.
	provider, err := oidc.NewProvider(oidc.ClientContext(context.Background(), f.Client), f.Issuer)
	if err != nil {
		f.failed = f.now()
		return nil, fmt.Errorf("auth: discover the OIDC issuer: %w", err)
	}
	f.verifier = provider.Verifier(&oidc.Config{ClientID: f.Audience, Now: f.now})
	return f.verifier, nil
}

func (f *foreign) scopesOf(claim json.RawMessage) []schema.Scope {
	var names []string
	var text string
	if json.Unmarshal(claim, &text) == nil {
		names = strings.Fields(text)
	} else if json.Unmarshal(claim, &names) != nil {
		return nil
	}
	var scopes []schema.Scope
	for _, name := range names {
		scope := schema.Scope(name)
		if f.ScopeNames != nil {
			scope = f.ScopeNames[name]
		}
		if known(scope) && !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	return scopes
}

// projectsOf reads "all", "1,2", 1, [1,2] or ["1","2"].
func projectsOf(claim json.RawMessage) (schema.Projects, error) {
	if len(claim) == 0 || string(claim) == "null" {
		return schema.Projects{}, nil
	}
	var text string
	if json.Unmarshal(claim, &text) == nil {
		return ParseProjects(text)
	}
	var one int64
	if json.Unmarshal(claim, &one) == nil {
		return ParseProjects(strconv.FormatInt(one, 10))
	}
	var list []json.RawMessage
	if err := json.Unmarshal(claim, &list); err != nil {
		return schema.Projects{}, err
	}
	if len(list) == 0 {
		return schema.Projects{}, nil
	}
	ids := make([]string, len(list))
	for i, item := range list {
		ids[i] = strings.Trim(string(item), `"`)
	}
	return ParseProjects(strings.Join(ids, ","))
}
