package auth

import (
	"errors"
	"net/http"
	"net/url"
	"time"
)

// grantAnswer is the answer of /oauth2/token.
type grantAnswer struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
}

func newGrantAnswer(access, refresh string) *grantAnswer {
	return &grantAnswer{AccessToken: access, RefreshToken: refresh, TokenType: "bearer", ExpiresIn: int(TokenLife / time.Second)}
}

func (a *Authority) serveToken(w http.ResponseWriter, r *http.Request) {
	form, err := a.arrive(w, r)
	var granted *grantAnswer
	if err == nil {
		granted, err = a.grant(r, form)
	}
	outcome := "granted"
	if err != nil {
		outcome = Refusal(err).Code
	}
	a.attempts.WithLabelValues(grantLabel(form.Get("grant_type")), outcome).Inc()
	if err != nil {
		a.unexpected(r, err)
		refuse(w, Refusal(err))
		return
	}
	answer(w, http.StatusOK, granted)
}

func grantLabel(grantType string) string {
	switch grantType {
	case "password", "client_credentials", "refresh_token":
		return grantType
	}
	return "other"
}

// arrive counts an attempt for its address, valid or not, and reads it.
func (a *Authority) arrive(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if r.Method == http.MethodPost {
		if wait, ok := a.byAddress.Allow(network(a.proxies.Sender(r))); !ok {
			return nil, errTooMany(wait)
		}
	}
	return readForm(w, r)
}

// grant answers one attempt, after counting it for its user and its client.
func (a *Authority) grant(r *http.Request, form url.Values) (*grantAnswer, error) {
	client, err := clientOf(r, form)
	if err != nil {
		return nil, err
	}
	if client.given {
		if err := a.attempt(client.id); err != nil {
			return nil, err
		}
	}
	switch form.Get("grant_type") {
	case "":
		return nil, errRequest("grant_type: is required")
	case "client_credentials":
		return a.grantClient(r, form, client)
	case "password":
		return a.grantPassword(r, form, client)
	case "refresh_token":
		return a.grantRefresh(r, form, client)
	}
	return nil, &Error{
		Status: http.StatusBadRequest, Code: "unsupported_grant_type",
		Description: "grant_type: must be password, client_credentials or refresh_token",
	}
}

func (a *Authority) grantClient(r *http.Request, form url.Values, client client) (*grantAnswer, error) {
	if !client.given {
		return nil, errClient("client_id and client_secret are required")
	}
	key, err := a.verifyClient(r, client)
	if err != nil {
		return nil, err
	}
	scopes, err := narrowed(form.Get("scope"), key.Scopes)
	if err != nil {
		return nil, err
	}
	access, err := a.tokens.issue(key, scopes, "")
	if err != nil {
		return nil, err
	}
	return newGrantAnswer(access, ""), nil
}

func (a *Authority) grantPassword(r *http.Request, form url.Values, client client) (*grantAnswer, error) {
	email, password := form.Get("username"), form.Get("password")
	if email == "" || password == "" {
		return nil, errRequest("username and password are required")
	}
	if err := a.attempt(a.directory.signing.userID(email)); err != nil {
		return nil, err
	}
	if client.given {
		if _, err := a.verifyClient(r, client); err != nil {
			return nil, err
		}
	}
	user, err := a.directory.verifyUser(r.Context(), email, password)
	if err != nil {
		return nil, err
	}
	scopes, err := narrowed(form.Get("scope"), user.Scopes)
	if err != nil {
		return nil, err
	}
	id, refresh, err := a.families.begin(r.Context(), family{
		Credential: user.ID, Generation: user.Generation, Client: client.id, Scopes: scopes,
	})
	if err != nil {
		return nil, err
	}
	access, err := a.tokens.issue(user, scopes, id)
	if err != nil {
		return nil, err
	}
	return newGrantAnswer(access, refresh), nil
}

func (a *Authority) grantRefresh(r *http.Request, form url.Values, client client) (*grantAnswer, error) {
	token := form.Get("refresh_token")
	if token == "" {
		return nil, errRequest("refresh_token: is required")
	}
	if client.given {
		if _, err := a.verifyClient(r, client); err != nil {
			return nil, err
		}
	}
	id, login, err := a.families.find(r.Context(), token)
	if errors.Is(err, ErrNotFound) {
		return nil, errGrant("the refresh token is not valid")
	}
	if err != nil {
		return nil, err
	}
	if err := a.attempt(login.Credential); err != nil {
		return nil, err
	}
	if login.Client != "" && login.Client != client.id {
		return nil, errGrant("the refresh token belongs to another client")
	}
	user, err := a.holder(r.Context(), login.Credential, login.Generation)
	if refusal := (*Error)(nil); errors.As(err, &refusal) {
		return nil, errGrant("the refresh token was revoked")
	}
	if err != nil {
		return nil, err
	}
	// The scope narrows this access token only; the login keeps its own.
	scopes, err := narrowed(form.Get("scope"), common(login.Scopes, user.Scopes))
	if err != nil {
		return nil, err
	}
	next, err := a.families.rotate(r.Context(), id, token)
	if err != nil {
		if errors.Is(err, errReused) {
			a.log.WarnContext(r.Context(), "a refresh token was used twice: its login was revoked", "caller", login.Credential)
		}
		return nil, err
	}
	access, err := a.tokens.issue(user, scopes, id)
	if err != nil {
		return nil, err
	}
	return newGrantAnswer(access, next), nil
}

// attempt counts an attempt of a user or a client.
func (a *Authority) attempt(name string) error {
	if wait, ok := a.byName.Allow(name); !ok {
		return errTooMany(wait)
	}
	return nil
}

// client returns the key with which a token request authenticates.
type client struct {
	id, secret string
	given      bool
}

// clientOf reads client id and secret from Basic or from the form, not both.
func clientOf(r *http.Request, form url.Values) (client, error) {
	inForm := form.Has("client_id") || form.Has("client_secret")
	authorization := r.Header.Values("Authorization")
	switch {
	case len(authorization) > 1:
		return client{}, errRequest("a credential header is repeated")
	case len(authorization) == 1 && inForm:
		return client{}, errRequest("the client authenticates in more than one way")
	case len(authorization) == 1:
		id, secret, ok := r.BasicAuth()
		if !ok {
			return client{}, errClient("the client must authenticate with Basic")
		}
		// RFC 6749 section 2.3.1: both are form-encoded inside Basic.
		id, idErr := url.QueryUnescape(id)
		secret, secretErr := url.QueryUnescape(secret)
		if idErr != nil || secretErr != nil || id == "" {
			return client{}, errClient("the client id or the client secret is wrong")
		}
		return client{id: id, secret: secret, given: true}, nil
	case inForm:
		return client{id: form.Get("client_id"), secret: form.Get("client_secret"), given: true}, nil
	}
	return client{}, nil
}

func (a *Authority) verifyClient(r *http.Request, c client) (*record, error) {
	key, err := a.directory.verifyKey(r.Context(), c.id, c.secret)
	if refusal := (*Error)(nil); errors.As(err, &refusal) && refusal.Status == http.StatusUnauthorized {
		return nil, errClient("the client id or the client secret is wrong")
	}
	return key, err
}

func errClient(description string) *Error {
	return &Error{Status: http.StatusUnauthorized, Code: "invalid_client", Description: description, Challenge: schemeBasic}
}

func errGrant(description string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: "invalid_grant", Description: description}
}

func errTooMany(wait time.Duration) *Error {
	return &Error{
		Status: http.StatusTooManyRequests, Code: "too_many_requests",
		Description: "too many attempts: wait as long as Retry-After says", RetryAfter: wait,
	}
}
