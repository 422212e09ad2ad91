package auth

import (
	"cmp"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/parley-analytics/parley/schema"
)

// family is a login: one refresh token at a time, and the access tokens made
// from it. A family that is not in the store is revoked.
type family struct {
	Credential string         `json:"credential"`
	Generation string         `json:"generation"`
	Client     string         `json:"client,omitempty"` // the key that authenticated at login, and must do so again
	Scopes     []schema.Scope `json:"scopes"`
	Refresh    string         `json:"refresh"` // fingerprint of the current refresh token
	Expires    time.Time      `json:"expires"`
	// Revoked access tokens, until they expire on their own.
	Revoked map[string]time.Time `json:"revoked,omitempty"`
}

// current reports whether a refresh token is the current one.
func (l *family) current(refresh string) bool {
	return subtle.ConstantTimeCompare([]byte(fingerprint(refresh)), []byte(l.Refresh)) == 1
}

// families keeps logins and revoked tokens in the store.
type families struct {
	store   Store
	now     func() time.Time
	signing *signing
}

func familyKey(id string) string  { return "family." + id }
func revokedKey(id string) string { return "revoked." + id }

// begin writes a new login and returns its name and first refresh token.
func (f *families) begin(ctx context.Context, login family) (id, refresh string, err error) {
	id = randomName(16)
	refresh = f.newRefresh(id)
	login.Refresh, login.Expires = fingerprint(refresh), f.now().Add(RefreshLife).UTC()
	value, err := json.Marshal(&login)
	if err == nil {
		err = f.store.Update(ctx, familyKey(id), func([]byte) ([]byte, error) { return value, nil })
	}
	if err != nil {
		return "", "", fmt.Errorf("auth: write a login: %w", err)
	}
	return id, refresh, nil
}

// newRefresh makes a refresh token: "<family>.<secret><proof>". The family is
// named in access tokens too, so it is not a secret; the proof shows that the
// token was issued here, long after it was replaced.
func (f *families) newRefresh(id string) string {
	token := id + "." + randomName(refreshSecret)
	return token + f.signing.proof(token)
}

// refreshSecret is how many random bytes a refresh token has: a multiple of 3,
// so that their base64 form can be cut off again.
const refreshSecret = 33

// issued reports whether a refresh token was made here for its family, and not
// by someone who has seen the family's name.
func (f *families) issued(refresh string) bool {
	length := len(refresh) - proofLength
	return length > 0 && subtle.ConstantTimeCompare([]byte(f.signing.proof(refresh[:length])), []byte(refresh[length:])) == 1
}

func familyOf(refresh string) (id string, ok bool) {
	id, secret, found := strings.Cut(refresh, ".")
	return id, found && isName(id) && isName(secret)
}

// find reads the login that a refresh token belongs to, which is the current
// token or one that was replaced. ErrNotFound for a token that was never issued:
// it says nothing about the login it names.
func (f *families) find(ctx context.Context, refresh string) (id string, login *family, err error) {
	id, ok := familyOf(refresh)
	if !ok {
		return "", nil, ErrNotFound
	}
	login, err = f.read(ctx, id)
	if err == nil && !login.current(refresh) && !f.issued(refresh) {
		return "", nil, ErrNotFound
	}
	return id, login, err
}

// rotate replaces the refresh token. A replaced token revokes the family: two parties hold it, and
// one of them should not.
func (f *families) rotate(ctx context.Context, id, refresh string) (string, error) {
	var next string
	err := f.change(ctx, id, func(login *family) error {
		switch {
		case !login.current(refresh):
			return errReused
		case !f.now().Before(login.Expires):
			return errGrant("the refresh token has expired")
		}
		next = f.newRefresh(id)
		login.Refresh, login.Expires = fingerprint(next), f.now().Add(RefreshLife).UTC()
		return nil
	})
	switch {
	case errors.Is(err, ErrNotFound):
		return "", errGrant("the refresh token was revoked")
	case errors.Is(err, errReused):
		return "", cmp.Or(f.end(ctx, id), err)
	}
	return next, err
}

var errReused = errGrant("the refresh token was used before: log in again")

// mostRevoked is the number of revoked access tokens that a login keeps; one more revokes the login.
const mostRevoked = 200

var errMostRevoked = errors.New("too many access tokens of the login were revoked")

// end revokes a login with all its tokens.
func (f *families) end(ctx context.Context, id string) error {
	if err := f.store.Delete(ctx, familyKey(id)); err != nil {
		return fmt.Errorf("auth: end a login: %w", err)
	}
	return nil
}

// revoke ends one access token.
func (f *families) revoke(ctx context.Context, c *claims) error {
	if c.Family == "" {
		value, err := json.Marshal(c.ExpiresAt.Time)
		if err != nil {
			return err
		}
		if err := f.store.Update(ctx, revokedKey(c.ID), func([]byte) ([]byte, error) { return value, nil }); err != nil {
			return fmt.Errorf("auth: revoke a token: %w", err)
		}
		return nil
	}
	err := f.change(ctx, c.Family, func(login *family) error {
		if login.Revoked == nil {
			login.Revoked = make(map[string]time.Time)
		}
		for id, expires := range login.Revoked {
			if !f.now().Before(expires) {
				delete(login.Revoked, id)
			}
		}
		if len(login.Revoked) >= mostRevoked {
			return errMostRevoked
		}
		login.Revoked[c.ID] = c.ExpiresAt.Time
		return nil
	})
	switch {
	case errors.Is(err, ErrNotFound):
		return nil // the whole login is revoked
	case errors.Is(err, errMostRevoked):
		return f.end(ctx, c.Family)
	}
	return err
}

// revoked reports whether an access token was revoked before it expired.
func (f *families) revoked(ctx context.Context, c *claims) (bool, error) {
	if c.Family == "" {
		_, err := f.store.Get(ctx, revokedKey(c.ID))
		if errors.Is(err, ErrNotFound) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("auth: read a revoked token: %w", err)
		}
		return true, nil
	}
	login, err := f.read(ctx, c.Family)
	if errors.Is(err, ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	_, ended := login.Revoked[c.ID]
	return ended, nil
}

// sweep deletes what has expired and returns how many records that were.
func (f *families) sweep(ctx context.Context) (int, error) {
	deleted := 0
	for _, prefix := range []string{familyKey(""), revokedKey("")} {
		found, err := f.store.List(ctx, prefix)
		if err != nil {
			return deleted, fmt.Errorf("auth: list expired records: %w", err)
		}
		for key, value := range found {
			if expires, ok := expiry(prefix, value); !ok || f.now().Before(expires) {
				continue
			}
			if err := f.store.Delete(ctx, key); err != nil {
				return deleted, fmt.Errorf("auth: delete an expired record: %w", err)
			}
			deleted++
		}
	}
	return deleted, nil
}

// expiry returns when a record of the prefix is obsolete.
func expiry(prefix string, value []byte) (expires time.Time, ok bool) {
	if prefix == revokedKey("") {
		return expires, json.Unmarshal(value, &expires) == nil
	}
	var login family
	if json.Unmarshal(value, &login) != nil {
		return expires, false
	}
	return login.Expires, true
}

func (f *families) read(ctx context.Context, id string) (*family, error) {
	value, err := f.store.Get(ctx, familyKey(id))
	if err != nil {
		return nil, fmt.Errorf("auth: read a login: %w", err)
	}
	return decodeFamily(value)
}

func decodeFamily(value []byte) (*family, error) {
	login := new(family)
	if err := json.Unmarshal(value, login); err != nil {
		return nil, fmt.Errorf("auth: read a login: %w", err)
	}
	return login, nil
}

// change edits a login; ErrNotFound if it was ended.
func (f *families) change(ctx context.Context, id string, edit func(*family) error) error {
	return f.store.Update(ctx, familyKey(id), func(before []byte) ([]byte, error) {
		if before == nil {
			return nil, ErrNotFound
		}
		login, err := decodeFamily(before)
		if err == nil {
			err = edit(login)
		}
		if err != nil {
			return nil, err
		}
		return json.Marshal(login)
	})
}
