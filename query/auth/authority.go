package auth

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-analytics/parley/schema"
)

// Config is what an Authority needs. Directory, Logger and Metrics are
// required.
type Config struct {
	Directory *Directory
	Logger    *slog.Logger
	Metrics   prometheus.Registerer
	Proxies   Proxies // none: the direct peer is the sender
	OIDC      *OIDC   // nil: no foreign tokens
}

// Authority issues tokens and identifies callers. It is safe for concurrent use.
type Authority struct {
	directory *Directory
	tokens    *tokens
	families  *families
	foreign   *foreign
	log       *slog.Logger
	proxies   Proxies
	byName    *Limiter
	byAddress *Limiter
	attempts  *prometheus.CounterVec

	invitations invitations
}

// The limits of /oauth2/token: attempts a minute.
const (
	attemptsByName    = 10
	attemptsByAddress = 100
	namesRemembered   = 1 << 16
)

// New makes an Authority.
func New(c Config) (*Authority, error) {
	d := c.Directory
	a := &Authority{
		directory: d,
		tokens:    newTokens(d.signing, d.now),
		families:  &families{store: d.store, now: d.now, signing: d.signing},
		log:       c.Logger,
		proxies:   c.Proxies,
		byName:    NewLimiter(attemptsByName, time.Minute, namesRemembered, d.now),
		byAddress: NewLimiter(attemptsByAddress, time.Minute, namesRemembered, d.now),

		invitations: invitations{now: d.now, open: make(map[string]invitation)},
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "parley_auth_token_requests_total",
			Help: "Requests to /oauth2/token and sign-ins (session) by grant and outcome.",
		}, []string{"grant", "outcome"}),
	}
	if c.OIDC != nil {
		f, err := newForeign(*c.OIDC, d.signing, d.now)
		if err != nil {
			return nil, err
		}
		a.foreign = f
	}
	hashes := prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "parley_auth_hashes_total",
		Help: "argon2id hashes computed to check passwords and secrets.",
	}, func() float64 { return float64(d.hasher.total.Load()) })
	for _, collector := range []prometheus.Collector{a.attempts, hashes} {
		if err := c.Metrics.Register(collector); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// Authenticate identifies the sender of a request, from `x-api-id` with `x-api-secret`,
// the same two in `Authorization: Basic`, `Authorization: Bearer`, or, without any of
// them, the cookie of a session. No answer asks for Basic: a browser that knows a secret sends it along with requests of any page. Its error is an [Error] when the credentials are
// at fault, and any other when they could not be checked. Which scope is
// needed is the handler's to say.
func (a *Authority) Authenticate(r *http.Request) (schema.Caller, error) {
	ids, secrets, authorizations := r.Header.Values("X-Api-Id"), r.Header.Values("X-Api-Secret"), r.Header.Values("Authorization")
	switch {
	case len(ids) > 1 || len(secrets) > 1 || len(authorizations) > 1:
		return schema.Caller{}, errRequest("a credential header is repeated")
	case len(ids)+len(secrets) > 0 && len(authorizations) > 0:
		return schema.Caller{}, errRequest("send Authorization, or x-api-id and x-api-secret, not both")
	case len(ids) == 1 && len(secrets) == 1:
		return a.byKey(r.Context(), ids[0], secrets[0])
	case len(ids)+len(secrets) > 0:
		return schema.Caller{}, errToken("x-api-id and x-api-secret go together")
	case len(authorizations) == 0:
		return a.bySession(r)
	}
	scheme, token, _ := strings.Cut(authorizations[0], " ")
	if strings.EqualFold(scheme, schemeBasic) {
		id, secret, ok := r.BasicAuth()
		if !ok {
			return schema.Caller{}, errToken("Authorization: Basic must be the base64 of ID:SECRET")
		}
		return a.byKey(r.Context(), id, secret)
	}
	if token = strings.TrimSpace(token); !strings.EqualFold(scheme, schemeBearer) || token == "" {
		return schema.Caller{}, errNoCredentials()
	}
	return a.byToken(r.Context(), token)
}

func (a *Authority) byKey(ctx context.Context, id, secret string) (schema.Caller, error) {
	r, err := a.directory.verifyKey(ctx, id, secret)
	if err != nil {
		return schema.Caller{}, err
	}
	return caller(r, r.Scopes)
}

// maxToken is longer than any Parley token, and limits foreign ones.
const maxToken = 16 << 10

func (a *Authority) byToken(ctx context.Context, token string) (schema.Caller, error) {
	if len(token) > maxToken {
		return schema.Caller{}, errToken("the token is not valid")
	}
	if a.foreign != nil && a.tokens.issuerOf(token) == a.foreign.Issuer {
		return a.foreign.authenticate(ctx, token)
	}
	return a.byOwnToken(ctx, token)
}

func (a *Authority) byOwnToken(ctx context.Context, token string) (schema.Caller, error) {
	c, err := a.tokens.read(token)
	if err != nil {
		return schema.Caller{}, err
	}
	r, err := a.holder(ctx, c.Subject, c.Generation)
	if err != nil {
		return schema.Caller{}, err
	}
	revoked, err := a.families.revoked(ctx, c)
	if err != nil {
		return schema.Caller{}, err
	}
	if revoked {
		return schema.Caller{}, errToken("the token was revoked")
	}
	return caller(r, common(splitScopes(c.Scope), r.Scopes))
}

// holder reads the credential of a token, if it still accepts it.
func (a *Authority) holder(ctx context.Context, id, generation string) (*record, error) {
	r, err := a.directory.read(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, errToken("the token was revoked")
	case err != nil:
		return nil, err
	case r.Disabled || r.Generation != generation:
		return nil, errToken("the token was revoked")
	}
	return r, nil
}

func caller(r *record, scopes []schema.Scope) (schema.Caller, error) {
	c, err := r.credential()
	if err != nil {
		return schema.Caller{}, err
	}
	return schema.Caller{ID: c.ID, Scopes: slices.Clone(scopes), Projects: c.Projects, Role: c.Role, Seller: c.Seller}, nil
}

// Sweep deletes the records of logins and revocations that have expired, and returns their number.
// Missing a sweep only costs space.
func (a *Authority) Sweep(ctx context.Context) (int, error) { return a.families.sweep(ctx) }

// sweepEvery is the time between two sweeps of Run.
const sweepEvery = time.Hour

// Run sweeps now and then until ctx ends. Several roles may run it on one store.
func (a *Authority) Run(ctx context.Context) error {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if deleted, err := a.Sweep(ctx); err != nil && ctx.Err() == nil {
			a.log.WarnContext(ctx, "cannot delete expired logins", "error", err)
		} else if deleted > 0 {
			a.log.InfoContext(ctx, "expired logins deleted", "records", deleted)
		}
	}
}
