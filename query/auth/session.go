package auth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/parley-analytics/parley/schema"
)

// SessionPath is where a browser signs in (POST), asks who is signed in (GET) and signs out (DELETE).
const SessionPath = "/session"

// SessionCookie is the cookie of a session. Its value is an access token with the scope read only, which
// scripts of a page cannot see.
const SessionCookie = "parley_session"

// sessionAnswer describes the session of a request. Without one only Authenticated is there.
type sessionAnswer struct {
	Authenticated bool               `json:"authenticated"`
	Name          string             `json:"name,omitempty"` // the e-mail address of a user, the name of a key
	AllProjects   bool               `json:"allProjects,omitempty"`
	Projects      []schema.ProjectID `json:"projects,omitempty"`
	Administrator bool               `json:"administrator,omitempty"` // may see /v1/status
}

func (a *Authority) serveSession(w http.ResponseWriter, r *http.Request) {
	var answered sessionAnswer
	var err error
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		answered, err = a.readSession(r)
	case http.MethodPost:
		answered, err = a.openSession(w, r)
	case http.MethodDelete:
		err = a.closeSession(w, r)
	default:
		err = errMethod(w, "GET, HEAD, POST, DELETE")
	}
	if err != nil {
		a.unexpected(r, err)
		refuse(w, Refusal(err))
		return
	}
	answer(w, http.StatusOK, answered)
}

// openSession checks a user's password or a key's secret, under the limits of /oauth2/token, and sets the cookie.
func (a *Authority) openSession(w http.ResponseWriter, r *http.Request) (sessionAnswer, error) {
	form, err := a.arrive(w, r)
	if err == nil {
		err = sameOrigin(r)
	}
	if err != nil {
		return sessionAnswer{}, err
	}
	holder, err := a.signIn(r.Context(), form)
	outcome := "granted"
	if err != nil {
		outcome = Refusal(err).Code
	}
	a.attempts.WithLabelValues("session", outcome).Inc()
	if err != nil {
		return sessionAnswer{}, err
	}
	token, err := a.tokens.issue(holder, []schema.Scope{schema.ScopeRead}, "")
	if err != nil {
		return sessionAnswer{}, err
	}
	http.SetCookie(w, a.sessionCookie(r, token, int(TokenLife/time.Second)))
	return describe(holder)
}

// signIn finds the credential of a sign-in, which must have the scope read.
func (a *Authority) signIn(ctx context.Context, form url.Values) (*record, error) {
	email, key, code := form.Get("username"), form.Get("client_id"), form.Get("invitation")
	var holder *record
	var err error
	switch {
	case email != "" && key == "" && code == "":
		if err = a.attempt(a.directory.signing.userID(email)); err == nil {
			holder, err = a.directory.verifyUser(ctx, email, form.Get("password"))
		}
	case key != "" && email == "" && code == "":
		if err = a.attempt(key); err == nil {
			holder, err = a.directory.verifyKey(ctx, key, form.Get("client_secret"))
		}
	case code != "" && email == "" && key == "":
		holder, err = a.accept(ctx, code)
	default:
		err = errRequest("send username and password, client_id and client_secret, or invitation")
	}
	if err == nil && !slices.Contains(holder.Scopes, schema.ScopeRead) {
		err = &Error{Status: http.StatusForbidden, Code: "insufficient_scope", Description: "the scope read is required"}
	}
	return holder, err
}

// readSession describes the session of a request. No session, and one that has ended, is no error.
func (a *Authority) readSession(r *http.Request) (sessionAnswer, error) {
	c, err := a.bySession(r)
	var refusal *Error
	if errors.As(err, &refusal) && refusal.Status == http.StatusUnauthorized {
		return sessionAnswer{}, nil
	}
	if err != nil {
		return sessionAnswer{}, err
	}
	holder, err := a.directory.read(r.Context(), c.ID)
	if err != nil {
		return sessionAnswer{}, err
	}
	return describe(holder)
}

// closeSession revokes the token of the session and deletes the cookie.
func (a *Authority) closeSession(w http.ResponseWriter, r *http.Request) error {
	if err := sameOrigin(r); err != nil {
		return err
	}
	http.SetCookie(w, a.sessionCookie(r, "", -1))
	if cookies := r.CookiesNamed(SessionCookie); len(cookies) > 0 {
		if token, err := a.tokens.read(cookies[0].Value); err == nil {
			return a.families.revoke(r.Context(), token)
		}
	}
	return nil // there is no session to end
}

func (a *Authority) sessionCookie(r *http.Request, token string, age int) *http.Cookie {
	return &http.Cookie{
		Name: SessionCookie, Value: token, Path: "/", MaxAge: age,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: a.proxies.Encrypted(r),
	}
}

// bySession identifies the sender of a request by its cookie.
func (a *Authority) bySession(r *http.Request) (schema.Caller, error) {
	cookie, err := r.Cookie(SessionCookie)
	if err != nil {
		return schema.Caller{}, errNoCredentials()
	}
	if err := sameOrigin(r); err != nil {
		return schema.Caller{}, err
	}
	return a.byOwnToken(r.Context(), cookie.Value)
}

// Administrator returns nil if the sender of a request administers the installation: a credential with the scope admin, or the
// session of one, although a session itself can only read. Its errors are those of [Authority.Authenticate], and an [Error] with the
// status 403.
func (a *Authority) Administrator(r *http.Request) error {
	c, err := a.Authenticate(r)
	if err != nil {
		return err
	}
	scopes := c.Scopes
	if _, cookie := r.Cookie(SessionCookie); cookie == nil && r.Header.Get("Authorization") == "" && r.Header.Get("X-Api-Id") == "" {
		holder, err := a.directory.read(r.Context(), c.ID)
		if err != nil {
			return err
		}
		scopes = holder.Scopes
	}
	if !slices.Contains(scopes, schema.ScopeAdmin) {
		return &Error{Status: http.StatusForbidden, Code: "insufficient_scope", Description: "the scope admin is required"}
	}
	return nil
}

// sameOrigin refuses a request that a page of another origin makes a browser send. SameSite alone does not: to
// a browser, all ports of a host are one site.
func sameOrigin(r *http.Request) error {
	asked := r.WithContext(r.Context())
	asked.Method = http.MethodPost // which has to be of the same origin, while reading by GET need not
	if new(http.CrossOriginProtection).Check(asked) != nil {
		return &Error{Status: http.StatusForbidden, Code: "access_denied", Description: "a session is accepted from pages of this server only"}
	}
	return nil
}

func describe(holder *record) (sessionAnswer, error) {
	c, err := holder.credential()
	if err != nil {
		return sessionAnswer{}, err
	}
	name := c.Email
	if c.Kind == KindKey {
		name = c.Name
	}
	return sessionAnswer{Authenticated: true, Name: name, AllProjects: c.Projects.All, Projects: c.Projects.IDs, Administrator: slices.Contains(c.Scopes, schema.ScopeAdmin)}, nil
}
