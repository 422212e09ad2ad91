package auth

import (
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
	Client     string         `json:"client,omitempty"` // the key that authenticated at login, which has to do so again
	Scopes     []schema.Scope `json:"scopes"`
	Refresh    string         `json:"refresh"` // fingerprint of the refresh token that is good now
	Expires    time.Time      `json:"expires"`
	// Revoked access tokens, until they expire on their own.
	Revoked map[string]time.Time `json:"revoked,omitempty"`
}

// current tells whether a refresh token is the one that is good now.
func (l *family) current(refresh string) bool {
	return subtle.ConstantTimeCompare([]byte(fingerprint(refresh)), []byte(l.Refresh)) == 1
}

// families keeps logins and revoked tokens in the store.
type families struct {
	store Store
	now   func() time.Time
}

func familyKey(id string) string  { return "family." + id }
func revokedKey(id string) string { return "revoked." + id }

// begin writes a new login and gives its name and first refresh token.
func (f *families) begin(ctx context.Context, login family) (id, refresh string, err error) {
	id = randomName(16)
	refresh = newRefresh(id)
	login.Refresh, login.Expires = fingerprint(refresh), f.now().Add(RefreshLife).UTC()
	if err := f.write(ctx, id, &login, 0); err != nil {
		return "", "", err
	}
	return id, refresh, nil
}

// A refresh token is "<family>.<secret>".
func newRefresh(id string) string { return id + "." + randomName(32) }

func familyOf(refresh string) (id string, ok bool) {
	id, secret, found := strings.Cut(refresh, ".")
	return id, found && isName(id) && isName(secret)
}

// find reads the login that a refresh token belongs to, whether the token is
// good or not.
func (f *families) find(ctx context.Context, refresh string) (id string, login *family, revision uint64, err error) {
	id, ok := familyOf(refresh)
	if !ok {
		return "", nil, 0, ErrNotFound
	}
	login, revision, err = f.read(ctx, id)
	return id, login, revision, err
}

// rotate replaces the refresh token. A token that was replaced before ends the
// family: two hold it, and one of them should not.
func (f *families) rotate(ctx context.Context, id, refresh string, login *family, revision uint64) (string, error) {
	if !login.current(refresh) {
		if err := f.end(ctx, id); err != nil {
			return "", err
		}
		return "", errGrant("the refresh token was used before: log in again")
	}
	if !f.now().Before(login.Expires) {
		return "", errGrant("the refresh token has expired")
	}
	next := newRefresh(id)
	login.Refresh, login.Expires = fingerprint(next), f.now().Add(RefreshLife).UTC()
	err := f.write(ctx, id, login, revision)
	if errors.Is(err, ErrConflict) {
		// Somebody used the same token at the same moment.
		if err := f.end(ctx, id); err != nil {
			return "", err
		}
		return "", errGrant("the refresh token was used before: log in again")
	}
	if err != nil {
		return "", err
	}
	return next, nil
}

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
		if _, err := f.store.Put(ctx, revokedKey(c.ID), value, 0); err != nil && !errors.Is(err, ErrConflict) {
			return fmt.Errorf("auth: revoke a token: %w", err)
		}
		return nil
	}
	for {
		login, revision, err := f.read(ctx, c.Family)
		if errors.Is(err, ErrNotFound) {
			return nil // the whole login is revoked
		}
		if err != nil {
			return err
		}
		if login.Revoked == nil {
			login.Revoked = make(map[string]time.Time)
		}
		for id, expires := range login.Revoked {
			if !f.now().Before(expires) {
				delete(login.Revoked, id)
			}
		}
		login.Revoked[c.ID] = c.ExpiresAt.Time
		if err := f.write(ctx, c.Family, login, revision); !errors.Is(err, ErrConflict) {
			return err
		}
	}
}

// revoked tells whether an access token was ended before its time.
func (f *families) revoked(ctx context.Context, c *claims) (bool, error) {
	if c.Family == "" {
		_, _, err := f.store.Get(ctx, revokedKey(c.ID))
		if errors.Is(err, ErrNotFound) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("auth: read a revoked token: %w", err)
		}
		return true, nil
	}
	login, _, err := f.read(ctx, c.Family)
	if errors.Is(err, ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	_, ended := login.Revoked[c.ID]
	return ended, nil
}

// sweep deletes what has expired and gives how many records that were.
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

// expiry is when a record of the prefix says nothing any more.
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

func (f *families) read(ctx context.Context, id string) (*family, uint64, error) {
	value, revision, err := f.store.Get(ctx, familyKey(id))
	if err != nil {
		return nil, 0, fmt.Errorf("auth: read a login: %w", err)
	}
	login := new(family)
	if err := json.Unmarshal(value, login); err != nil {
		return nil, 0, fmt.Errorf("auth: read a login: %w", err)
	}
	return login, revision, nil
}

func (f *families) write(ctx context.Context, id string, login *family, revision uint64) error {
	value, err := json.Marshal(login)
	if err != nil {
		return err
	}
	if _, err := f.store.Put(ctx, familyKey(id), value, revision); err != nil {
		return fmt.Errorf("auth: write a login: %w", err)
	}
	return nil
}
