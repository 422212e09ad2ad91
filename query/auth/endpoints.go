package auth

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/parley-analytics/parley/schema/endpoint"
)

// maxForm is the maximum size of a token request's body.
const maxForm = 16 << 10

// Routes adds /oauth2/token, /oauth2/revoke, /_authenticated and /session.
func (a *Authority) Routes(mux *http.ServeMux) {
	mux.HandleFunc("/oauth2/token", a.serveToken)
	mux.HandleFunc("/oauth2/revoke", a.serveRevoke)
	mux.HandleFunc("/_authenticated", a.serveAuthenticated)
	mux.HandleFunc(SessionPath, a.serveSession)
}

func (a *Authority) serveAuthenticated(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		refuse(w, errMethod(w, "GET, HEAD"))
		return
	}
	if _, err := a.Authenticate(r); err != nil {
		refusal := *Refusal(err)
		if refusal.Code == "" {
			refusal.Header(w.Header()) // a challenge without a code: nothing was sent
			refusal.Code, refusal.Challenge = "invalid_token", ""
		}
		a.unexpected(r, err)
		refuse(w, &refusal)
		return
	}
	answer(w, http.StatusOK, map[string]bool{"authenticated": true})
}

// serveRevoke ends a token (RFC 7009). It answers 200 whether the token was
// valid or not: the holder of a token may revoke it, and learns nothing else.
func (a *Authority) serveRevoke(w http.ResponseWriter, r *http.Request) {
	form, err := readForm(w, r)
	if err == nil {
		err = a.revoke(r, form)
	}
	if err != nil {
		a.unexpected(r, err)
		refuse(w, Refusal(err))
		return
	}
	noStore(w.Header())
	w.WriteHeader(http.StatusOK)
}

func (a *Authority) revoke(r *http.Request, form url.Values) error {
	token := form.Get("token")
	if token == "" {
		return errRequest("token: is required")
	}
	// A client may authenticate; then its credentials must be correct.
	client, err := clientOf(r, form)
	if err != nil {
		return err
	}
	if client.given {
		if err := a.attempt(client.id); err != nil {
			return err
		}
		if _, err := a.verifyClient(r, client); err != nil {
			return err
		}
	}
	// Whoever holds a token may revoke it; token_type_hint is not needed to distinguish the two kinds.
	if c, err := a.tokens.read(token); err == nil {
		return a.families.revoke(r.Context(), c)
	}
	id, login, err := a.families.find(r.Context(), token)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if !login.current(token) {
		return nil
	}
	return a.families.end(r.Context(), id)
}

// readForm checks the method and the content type and reads the form. A
// parameter without a value counts as absent; a repeated one is an error.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if r.Method != http.MethodPost {
		return nil, errMethod(w, "POST")
	}
	if media, ok := endpoint.MediaType(r.Header.Get("Content-Type")); !ok || media != "application/x-www-form-urlencoded" {
		return nil, errRequest("the body must be application/x-www-form-urlencoded")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, &Error{Status: http.StatusRequestEntityTooLarge, Code: "invalid_request", Description: "the body is too large"}
		}
		return nil, errRequest("the body cannot be read as a form")
	}
	form := make(url.Values)
	for name, values := range r.PostForm {
		if len(values) > 1 {
			return nil, errRequest("a parameter is repeated")
		}
		if values[0] != "" {
			form.Set(name, values[0])
		}
	}
	return form, nil
}

func errMethod(w http.ResponseWriter, allow string) *Error {
	w.Header().Set("Allow", allow)
	return &Error{Status: http.StatusMethodNotAllowed, Code: "invalid_request", Description: "the method must be " + allow}
}

// unexpected logs faults that are not the sender's.
func (a *Authority) unexpected(r *http.Request, err error) {
	var refusal *Error
	if !errors.As(err, &refusal) && r.Context().Err() == nil {
		a.log.ErrorContext(r.Context(), "cannot check credentials", "path", r.URL.Path, "error", err)
	}
}

func refuse(w http.ResponseWriter, e *Error) {
	e.Header(w.Header())
	answer(w, e.Status, struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{e.Code, e.Description})
}

func answer(w http.ResponseWriter, status int, body any) {
	noStore(w.Header())
	endpoint.JSON(w, status, body)
}

// noStore adds what RFC 6749 asks for beside Cache-Control.
func noStore(h http.Header) {
	endpoint.NoStore(h)
	h.Set("Pragma", "no-cache")
}
