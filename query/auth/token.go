package auth

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-analytics/parley/schema"
)

const (
	// TokenLife is the lifetime of an access token: expires_in.
	TokenLife = 24 * time.Hour
	// RefreshLife is the lifetime of a refresh token.
	RefreshLife = 30 * 24 * time.Hour

	issuer    = "parley"
	tokenType = "at+jwt"
)

// claims are the content of an access token: the credential, the expiry, and the scopes to which it
// was narrowed. Rights are looked up.
type claims struct {
	jwt.RegisteredClaims
	Scope      string `json:"scope"`
	Generation string `json:"gen"`           // of the credential
	Family     string `json:"fam,omitempty"` // the login it belongs to; empty for client_credentials
}

// tokens signs and reads access tokens.
type tokens struct {
	keyID   string
	private ed25519.PrivateKey
	now     func() time.Time
	parser  *jwt.Parser
}

func newTokens(s *signing, now func() time.Time) *tokens {
	return &tokens{
		keyID: s.KeyID, private: s.private(), now: now,
		parser: jwt.NewParser(
			jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}),
			jwt.WithIssuer(issuer), jwt.WithExpirationRequired(), jwt.WithTimeFunc(now), jwt.WithStrictDecoding(),
		),
	}
}

// issue signs a token for a credential, narrowed to scopes.
func (t *tokens) issue(r *record, scopes []schema.Scope, family string) (string, error) {
	now := t.now()
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Subject: r.ID, ID: randomName(16),
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(TokenLife)),
		},
		Scope: joinScopes(scopes), Generation: r.Generation, Family: family,
	})
	token.Header["typ"], token.Header["kid"] = tokenType, t.keyID
	signed, err := token.SignedString(t.private)
	if err != nil {
		return "", fmt.Errorf("auth: sign a token: %w", err)
	}
	return signed, nil
}

// read checks signature, issuer, type and times.
func (t *tokens) read(token string) (*claims, error) {
	c := new(claims)
	_, err := t.parser.ParseWithClaims(token, c, func(token *jwt.Token) (any, error) {
		if token.Header["typ"] != tokenType || token.Header["kid"] != t.keyID {
			return nil, errors.New("not a Parley token")
		}
		return t.private.Public(), nil
	})
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return nil, errToken("the token has expired")
	case err != nil || !isName(c.Subject) || !isName(c.ID) || c.Family != "" && !isName(c.Family):
		return nil, errToken("the token is not valid")
	}
	return c, nil
}

// issuerOf reads who claims to have issued a token, before anything is checked.
func (t *tokens) issuerOf(token string) string {
	c := new(jwt.RegisteredClaims)
	if _, _, err := t.parser.ParseUnverified(token, c); err != nil {
		return ""
	}
	return c.Issuer
}

func joinScopes(scopes []schema.Scope) string {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = string(s)
	}
	return strings.Join(names, " ")
}

// common returns the scopes of a that b has too.
func common(a, b []schema.Scope) []schema.Scope {
	var both []schema.Scope
	for _, s := range a {
		if slices.Contains(b, s) {
			both = append(both, s)
		}
	}
	return both
}

// narrowed reads the scope parameter of a request: empty means all that may be
// granted, and asking for more is invalid_scope.
func narrowed(parameter string, grantable []schema.Scope) ([]schema.Scope, error) {
	if parameter == "" {
		return grantable, nil
	}
	var scopes []schema.Scope
	for _, name := range strings.Fields(parameter) {
		scope := schema.Scope(name)
		if !slices.Contains(grantable, scope) {
			return nil, &Error{Status: 400, Code: "invalid_scope", Description: "scope: must be among the scopes of the credential"}
		}
		if !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	if len(scopes) == 0 {
		return grantable, nil
	}
	return scopes, nil
}

func splitScopes(text string) []schema.Scope {
	var scopes []schema.Scope
	for _, name := range strings.Fields(text) {
		scopes = append(scopes, schema.Scope(name))
	}
	return scopes
}
